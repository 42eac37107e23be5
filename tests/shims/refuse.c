/* A library to preload, or to link: it denies the C library's qsort the resources of its safe path.
 *
 * CALLBOX_REFUSE=1: malloc fails for 1 KiB or more if the C library itself calls it, so that qsort
 * cannot allocate its temporary. callbox_refuse(1) does so from inside the process.
 * CALLBOX_PAGES=N: sysconf reports N pages of memory. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse;
static long pages;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("CALLBOX_PAGES");
    pages = text ? atol(text) : 0;
    refuse = getenv("CALLBOX_REFUSE") != NULL;
}

void callbox_refuse(int on) {
    refuse = on;
}

void *malloc(size_t size) {
    static void *(*next)(size_t);
    Dl_info who;
    if (refuse && size >= 1024 && dladdr(__builtin_return_address(0), &who) && who.dli_fname
        && strstr(who.dli_fname, "libc.so")) {
        errno = ENOMEM;
        return NULL;
    }
    if (!next)
        next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    return next(size);
}

long sysconf(int name) {
    static long (*next)(int);
    if (name == _SC_PHYS_PAGES && pages)
        return pages;
    if (!next)
        next = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    return next(name);
}
