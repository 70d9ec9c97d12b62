#ifndef SYNCNORM_BASE_ELEMENTARY_H
#define SYNCNORM_BASE_ELEMENTARY_H

/**
 * exp and log of the project's own. The C library's differ between its FMA and non-FMA variants, so they may not touch a
 * stored number; these use only + - * / and integers, and give the same bits everywhere. Errors below 2 ulp. Not collective.
 */

/** e^x. 0 below -708, infinity above 709.7, NaN for NaN. */
double sn_exp(double x);

/** Natural logarithm of a positive, normal number; -infinity for 0, NaN for negative numbers and NaN. */
double sn_log(double x);

/** cos(pi * x) for x in [0, 1]. */
double sn_cospi(double x);

#endif
