/* Functions with qsort's signature, good and bad, for `--sorter LIB:SYMBOL`. */
#include <stdlib.h>
#include <string.h>

typedef int compare_fn(const void *, const void *);

/* Compares with an element that it keeps aside. */
int insertion(void *base, size_t count, size_t width, compare_fn *compare) {
    char *key = malloc(width), *at = base;
    for (size_t i = 1; i < count; i++) {
        size_t j = i;
        memcpy(key, at + i * width, width);
        for (; j > 0 && compare(at + (j - 1) * width, key) > 0; j--)
            memcpy(at + j * width, at + (j - 1) * width, width);
        memcpy(at + j * width, key, width);
    }
    free(key);
    return 0;
}

/* Gives up, as a sort that cannot allocate does. */
int lazy(void *base, size_t count, size_t width, compare_fn *compare) {
    (void)base, (void)count, (void)width, (void)compare;
    return -1;
}

/* Overwrites every element with the first one. */
void copying(void *base, size_t count, size_t width, compare_fn *compare) {
    (void)compare;
    for (size_t i = 1; i < count; i++) memcpy((char *)base + i * width, base, width);
}

/* Compares a null pointer, and a pointer to no element. */
void nonsense(void *base, size_t count, size_t width, compare_fn *compare) {
    char junk[64];
    memset(junk, 0xee, sizeof junk);
    compare(NULL, base);
    if (count > 1 && width <= sizeof junk) compare(junk, base);
}
