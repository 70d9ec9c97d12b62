#include "hdf5_call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "syncnorm/io/run_file.h"

sn_status sn_hdf5_start(void)
{
    if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0)
        return sn_fail(SN_ERROR_FAILED, "the HDF5 library %s cannot be initialized", sn_hdf5_version());
    return SN_OK;
}

const char *sn_hdf5_version(void)
{
    static char version[32];
    unsigned major, minor, release;
    if (H5get_libversion(&major, &minor, &release) < 0) return "unknown";
    snprintf(version, sizeof version, "%u.%u.%u", major, minor, release);
    return version;
}

sn_scope sn_scope_open(const char *action, hid_t where, const char *name)
{
    return (sn_scope){.status = SN_OK, .action = action, .where = where, .name = name};
}

static const char image_suffix[] = " (image in memory)";

void sn_image_name(const char *path, char name[SN_IMAGE_NAME])
{
    snprintf(name, SN_IMAGE_NAME, "%.*s%s", SN_IMAGE_NAME - (int)sizeof image_suffix, path, image_suffix);
}

enum { PLACE_SIZE = 768 };

/* "runs/gn-s1.h5: /model/conv1.weight", as HDF5 itself knows file and object. */
static void describe_place(const sn_scope *scope, char place[PLACE_SIZE])
{
    char path[SN_IMAGE_NAME], object[160];
    if (scope->where < 0 || H5Fget_name(scope->where, path, sizeof path) < 0) {
        snprintf(place, PLACE_SIZE, "%s", scope->name ? scope->name : "HDF5");
        return;
    }
    char *suffix = strstr(path, image_suffix);
    if (suffix) *suffix = '\0';
    if (H5Iget_name(scope->where, object, sizeof object) < 0) object[0] = '\0';
    if (strcmp(object, "/") == 0) object[0] = '\0';
    const char *slash = scope->name ? "/" : "", *name = scope->name ? scope->name : "";
    snprintf(place, PLACE_SIZE, "%s%s%s%s%s", path, object[0] || name[0] ? ": " : "", object, slash, name);
}

sn_status sn_scope_fail(sn_scope *scope, const char *format, ...)
{
    if (scope->status != SN_OK) return scope->status;
    char place[PLACE_SIZE], text[256];
    describe_place(scope, place);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return scope->status = sn_fail(SN_ERROR_FILE, "%s: %s", place, text);
}

/* The innermost entry of HDF5's error stack is the cause. */
static herr_t take_description(unsigned n, const H5E_error2_t *entry, void *text)
{
    if (n == 0 && entry->desc) snprintf(text, 128, "%s", entry->desc);
    return 0;
}

int64_t sn_scope_check(sn_scope *scope, int64_t value, const char *call)
{
    if (value >= 0) return value;
    char reason[128] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_description, reason); /* at worst there is no reason */
    sn_scope_fail(scope, "cannot %s it: %s (%.*s)", scope->action, reason, (int)strcspn(call, "("), call);
    return value;
}

hid_t sn_scope_keep(sn_scope *scope, hid_t id, const char *call)
{
    if (sn_scope_check(scope, id, call) < 0) return H5I_INVALID_HID;
    if (scope->count == SN_SCOPE_IDS) {
        H5Idec_ref(id);
        sn_scope_fail(scope, "more than %d HDF5 objects open at once", SN_SCOPE_IDS);
        return H5I_INVALID_HID;
    }
    return scope->ids[scope->count++] = id;
}

sn_status sn_scope_close(sn_scope *scope)
{
    while (scope->count > 0) {
        const hid_t id = scope->ids[--scope->count];
        if (id == scope->where) scope->where = H5I_INVALID_HID;
        if (H5Idec_ref(id) < 0) sn_scope_fail(scope, "cannot close it after trying to %s it", scope->action);
    }
    return scope->status;
}
