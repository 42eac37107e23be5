/* Times calls of one function pointer, as a library makes them that keeps it. All programs call through this loop. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Returns the nanoseconds of all calls. Numbers the prototypes as `PROTOTYPES` in run does. */
int64_t time_calls(int prototype, void *callback, int64_t calls)
{
    int (*compare)(const int *, const int *) = callback;
    int (*next)(int) = callback;
    int (*first)(const char *) = callback;
    void (*add)(int *) = callback;
    int ia[] = {1, 2}, n = 0;
    int64_t right = 0;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    switch (prototype) {
    case 0:
        for (int64_t i = 0; i < calls; i++) right += compare(&ia[0], &ia[1]) < 0;
        break;
    case 1:
        for (int64_t i = 0; i < calls; i++) right += next(i) == i + 1;
        break;
    case 2:
        for (int64_t i = 0; i < calls; i++) right += first("a short text") == 'a';
        break;
    case 3:
        for (int64_t i = 0; i < calls; i++) add(&n);
        right = n;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (right != calls) {
        fprintf(stderr, "%lld wrong answers of prototype %d\n", (long long)(calls - right), prototype);
        exit(1);
    }
    return (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec);
}
