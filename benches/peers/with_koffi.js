// Sorts a file of integers once with a koffi callback: with_koffi.js FILE. Or lets calls.c call a callback of each
// prototype: with_koffi.js LIBRARY CALLS. Prints the nanoseconds.
const fs = require("fs");
const { createRequire } = require("module");
// KOFFI is the folder koffi is installed in, if not globally.
const koffi = createRequire((process.env.KOFFI || process.cwd()) + "/")("koffi");

const libc = koffi.load(process.platform === "linux" ? "libc.so.6" : null);
const Compare = koffi.proto("int Compare(const void *a, const void *b)");
const qsort = libc.func("qsort", "void", ["void *", "size_t", "size_t", koffi.pointer(Compare)]);
const compare = koffi.register((a, b) => {
  const x = koffi.decode(a, "int32_t"), y = koffi.decode(b, "int32_t");
  return (x > y) - (x < y);
}, koffi.pointer(Compare));

if (process.argv.length === 4) {
  const register = (prototype, f) => koffi.register(f, koffi.pointer(koffi.proto(prototype)));
  const callbacks = [
    compare,
    register("int Next(int n)", n => n + 1),
    register("int First(const char *text)", text => text.charCodeAt(0)),
    register("void Add(void *n)", n => koffi.encode(n, "int", koffi.decode(n, "int") + 1)),
  ];
  const library = koffi.load(process.argv[2]);
  const timeCalls = library.func("int64_t time_calls(int prototype, void *callback, int64_t calls)");
  callbacks.forEach((callback, at) => console.log(String(timeCalls(at, callback, Number(process.argv[3])))));
  process.exit();
}

const data = fs.readFileSync(process.argv[2]);
const ia = new Int32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
const started = process.hrtime.bigint();
qsort(ia, ia.length, 4, compare);
const nanoseconds = process.hrtime.bigint() - started;
for (let i = 1; i < ia.length; i++) if (ia[i - 1] > ia[i]) throw new Error("not sorted");
console.log(String(nanoseconds));
