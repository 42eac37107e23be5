/* Sorts a file of integers once with the C library's qsort: c FILE. Or lets calls.c call a function of each prototype:
   c LIBRARY CALLS. Prints the nanoseconds. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static int next(int n)
{
    return n + 1;
}

static int first(const char *text)
{
    return *text;
}

static void add(int *n)
{
    ++*n;
}

static int kept(const char *library, int64_t calls)
{
    void *callbacks[] = {compare, next, first, add}, *handle = dlopen(library, RTLD_NOW);
    if (!handle) return 1;
    int64_t (*time_calls)(int, void *, int64_t) = dlsym(handle, "time_calls");
    for (int i = 0; i < 4; i++) printf("%lld\n", (long long)time_calls(i, callbacks[i], calls));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3) return kept(argv[1], atoll(argv[2]));
    FILE *file = fopen(argv[argc - 1], "rb");
    fseek(file, 0, SEEK_END);
    size_t count = ftell(file) / 4;
    rewind(file);
    int32_t *ia = malloc(count * 4);
    if (fread(ia, 4, count, file) != count) return 1;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    qsort(ia, count, 4, compare);
    clock_gettime(CLOCK_MONOTONIC, &to);
    for (size_t i = 1; i < count; i++)
        if (ia[i - 1] > ia[i]) return 1;
    printf("%lld\n", (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec));
    return 0;
}
