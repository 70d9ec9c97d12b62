#ifndef SN_REPORT_OUTPUTS_H
#define SN_REPORT_OUTPUTS_H

/* Which files a report writes: a list beside them, so that the next one into the same directory leaves none of them behind. */

#include "document.h"

#define SN_OUTPUTS_LIST ".report-files"

/** Removes what the directory's list names, and writes the list of what the document will be. What is not on the list is somebody
 *  else's and stays. SN_ERROR_FILE. */
sn_status sn_outputs_renew(const sn_document *document, const char *directory);

#endif
