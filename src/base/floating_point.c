#include "syncnorm/base/floating_point.h"

#include <fenv.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };

static void allow_denormals(void)
{
    _mm_setcsr(_mm_getcsr() & ~(unsigned)(FLUSH_TO_ZERO | DENORMALS_ARE_ZERO));
}

static bool denormals_allowed(void)
{
    return !(_mm_getcsr() & (FLUSH_TO_ZERO | DENORMALS_ARE_ZERO));
}
#else
static void allow_denormals(void) {}

static bool denormals_allowed(void)
{
    const volatile float smallest_normal = 0x1p-126f;
    return smallest_normal * 0.5f != 0;
}
#endif

void sn_floating_point_set(void)
{
    fesetround(FE_TONEAREST);
    allow_denormals();
}

bool sn_floating_point_ok(void)
{
    return fegetround() == FE_TONEAREST && denormals_allowed();
}
