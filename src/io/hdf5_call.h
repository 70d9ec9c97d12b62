#ifndef SYNCNORM_IO_HDF5_CALL_H
#define SYNCNORM_IO_HDF5_CALL_H

/*
 * Calling HDF5 so that every return code is checked and every id is closed.
 *
 * A function that works on an HDF5 object has a scope. SN_H5 evaluates a call, SN_H5_ID one that opens an id, which the
 * scope then owns. The first failure is recorded with HDF5's own reason, and every later call of the scope is skipped,
 * so a function is a straight list of calls, ended by sn_scope_close:
 *
 *     sn_scope scope = sn_scope_open("write", group, "conv1.weight");
 *     const hid_t set = SN_H5_ID(&scope, H5Dcreate2(group, "conv1.weight", ...));
 *     SN_H5(&scope, H5Dwrite(set, ...));
 *     return sn_scope_close(&scope);
 */

#include <hdf5.h>
#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/base/fault.h"

enum { SN_SCOPE_IDS = 8 };

typedef struct sn_scope {
    sn_status status;
    const char *action; /* "read" or "write" */
    hid_t where;        /* for messages: an object in a file, or H5I_INVALID_HID */
    const char *name;   /* an object at `where` or NULL; the file's path where `where` is invalid */
    hid_t ids[SN_SCOPE_IDS];
    int count;
} sn_scope;

sn_scope sn_scope_open(const char *action, hid_t where, const char *name);

/** Closes the ids, last one first, and gives the status of the scope. */
sn_status sn_scope_close(sn_scope *scope);

/** The value of an HDF5 call, negative when it failed or was skipped. */
#define SN_H5(scope, call)                                                                                   \
    ((scope)->status == SN_OK                                                                                \
         ? sn_scope_check((scope), sn_fault_random("HDF5") ? -1 : (int64_t)(call), #call)                    \
         : INT64_C(-1))
#define SN_H5_ID(scope, call)                                                                                \
    ((scope)->status == SN_OK                                                                                \
         ? sn_scope_keep((scope), sn_fault_random("HDF5") ? H5I_INVALID_HID : (call), #call)                 \
         : H5I_INVALID_HID)

/** Calls a function of ours that returns an sn_status, likewise skipped after a failure. */
#define SN_H5_TRY(scope, call)                                                                               \
    do {                                                                                                     \
        if ((scope)->status == SN_OK) (scope)->status = (call);                                              \
    } while (0)

int64_t sn_scope_check(sn_scope *scope, int64_t value, const char *call);
hid_t sn_scope_keep(sn_scope *scope, hid_t id, const char *call);

/** Records "PATH: OBJECT: ..." as the error (SN_ERROR_FILE), with the scope's file and object. */
sn_status sn_scope_fail(sn_scope *scope, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum { SN_IMAGE_NAME = 512 };

/** What HDF5 is to call the image of `path`. It looks for a file of that name before it uses memory, so no file may
 *  have it; messages leave the addition out again. */
void sn_image_name(const char *path, char name[SN_IMAGE_NAME]);

/** Every public function that uses HDF5 calls this first: initializes the library, which then prints nothing itself. */
sn_status sn_hdf5_start(void);

#endif
