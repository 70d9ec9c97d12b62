/* Plain and gzip files behind one read function. zlib's own gzread() is not used: it passes over garbage behind a gzip
   stream in silence. */

#include "byte_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CHUNK = 1 << 16 };

struct sn_byte_stream {
    const char *path; /* the caller's, for messages */
    FILE *file;
    bool gzip;    /* the contents are inflated */
    bool between; /* gzip: at the end of a member; another one or the end of the file may follow */
    z_stream inflater;
    unsigned char chunk[CHUNK];
};

/* Fills an empty chunk; an empty one afterwards is the end of the file. */
static sn_status refill(sn_byte_stream *s)
{
    if (s->inflater.avail_in > 0) return SN_OK;
    s->inflater.next_in = s->chunk;
    s->inflater.avail_in = (uInt)fread(s->chunk, 1, CHUNK, s->file);
    if (ferror(s->file)) return sn_fail(SN_ERROR_DATA, "%s: cannot be read: %s", s->path, strerror(errno));
    return SN_OK;
}

static bool at_gzip_header(const sn_byte_stream *s)
{
    const unsigned char *next = s->inflater.next_in;
    return s->inflater.avail_in >= 2 && next[0] == 0x1f && next[1] == 0x8b;
}

sn_status sn_byte_stream_open(const char *path, sn_byte_stream **stream)
{
    *stream = NULL;
    sn_byte_stream *s = calloc(1, sizeof *s);
    if (!s) return sn_fail(SN_ERROR_MEMORY, "out of memory: reading %s", path);
    s->path = path;
    s->file = fopen(path, "rb");
    sn_status status = SN_OK;
    if (!s->file)
        status = sn_fail(SN_ERROR_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    else
        status = refill(s);
    if (status == SN_OK && at_gzip_header(s)) {
        enum { GZIP_WINDOW = 16 + MAX_WBITS };
        s->gzip = inflateInit2(&s->inflater, GZIP_WINDOW) == Z_OK;
        if (!s->gzip) status = sn_fail(SN_ERROR_MEMORY, "out of memory: inflating %s", path);
    }
    if (status == SN_OK)
        *stream = s;
    else
        sn_byte_stream_close(s);
    return status;
}

/* One step of inflation into the space the inflater has; sets *end at the end of the contents. */
static sn_status inflate_some(sn_byte_stream *s, bool *end)
{
    z_stream *z = &s->inflater;
    SN_TRY(refill(s));
    if (s->between) {
        *end = z->avail_in == 0;
        if (*end) return SN_OK;
        if (!at_gzip_header(s))
            return sn_fail(SN_ERROR_DATA, "%s: trailing bytes behind the gzip stream", s->path);
        inflateReset(z);
        s->between = false;
    }
    if (z->avail_in == 0) return sn_fail(SN_ERROR_DATA, "%s: truncated: the gzip stream ends early", s->path);
    const int code = inflate(z, Z_NO_FLUSH);
    if (code == Z_STREAM_END)
        s->between = true;
    else if (code == Z_MEM_ERROR)
        return sn_fail(SN_ERROR_MEMORY, "out of memory: inflating %s", s->path);
    else if (code != Z_OK)
        return sn_fail(SN_ERROR_DATA, "%s: corrupt gzip stream (%s)", s->path,
                       z->msg ? z->msg : zError(code));
    return SN_OK;
}

sn_status sn_byte_stream_read(sn_byte_stream *s, void *buffer, size_t wanted, size_t *got)
{
    unsigned char *to = buffer;
    z_stream *z = &s->inflater;
    *got = 0;
    for (bool end = false; *got < wanted && !end;) {
        const size_t space = wanted - *got < CHUNK ? wanted - *got : CHUNK;
        if (s->gzip) {
            z->next_out = to + *got;
            z->avail_out = (uInt)space;
            SN_TRY(inflate_some(s, &end));
            *got += space - z->avail_out;
        } else {
            SN_TRY(refill(s));
            const size_t part = z->avail_in < space ? z->avail_in : space;
            end = part == 0;
            memcpy(to + *got, z->next_in, part);
            z->next_in += part;
            z->avail_in -= (uInt)part;
            *got += part;
        }
    }
    return SN_OK;
}

void sn_byte_stream_close(sn_byte_stream *s)
{
    if (!s) return;
    if (s->gzip) inflateEnd(&s->inflater);
    if (s->file) fclose(s->file); /* opened for reading: nothing to lose */
    free(s);
}
