// Sorts a file of integers once with a koffi callback: with_koffi.js FILE. Prints the nanoseconds.
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

const data = fs.readFileSync(process.argv[2]);
const ia = new Int32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
const started = process.hrtime.bigint();
qsort(ia, ia.length, 4, compare);
const nanoseconds = process.hrtime.bigint() - started;
for (let i = 1; i < ia.length; i++) if (ia[i - 1] > ia[i]) throw new Error("not sorted");
console.log(String(nanoseconds));
