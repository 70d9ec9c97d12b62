#ifndef SYNCNORM_BASE_BUILD_H
#define SYNCNORM_BASE_BUILD_H

/** What this binary was built from and with. Not collective. */
typedef struct sn_build {
    const char *version;      /* of syncnorm */
    const char *compiler;     /* "GNU 12.2.0" */
    const char *flags;        /* all that reached the compiler but warnings and includes, CFLAGS included */
    const char *git_revision; /* commit, with "-dirty" when the tree had changes; "unknown" outside git */
    const char *modified;     /* files that differed from that commit, separated by spaces */
    const char *sources;      /* digest of all that it was built from, 32 hexadecimal digits */
} sn_build;

const sn_build *sn_build_info(void);

#endif
