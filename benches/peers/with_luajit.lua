-- Sorts a file of integers once with a LuaJIT FFI callback: with_luajit.lua FILE. Prints the nanoseconds.
local ffi = require("ffi")
ffi.cdef[[
void qsort(void *base, size_t count, size_t size, int (*compare)(const int32_t *, const int32_t *));
typedef struct { long sec; long nsec; } timespec_t;
int clock_gettime(int clock, timespec_t *time);
]]

local function now()
  local time = ffi.new("timespec_t")
  ffi.C.clock_gettime(1, time)
  return tonumber(time.sec) * 1e9 + tonumber(time.nsec)
end

local file = assert(io.open(arg[1], "rb"))
local data = file:read("*a")
local count = #data / 4
local ia = ffi.new("int32_t[?]", count)
ffi.copy(ia, data, #data)
local compare = ffi.cast("int (*)(const int32_t *, const int32_t *)", function(a, b)
  local x, y = a[0], b[0]
  if x > y then return 1 elseif x < y then return -1 else return 0 end
end)
local sort = ffi.C.qsort
local started = now()
sort(ia, count, 4, compare)
local nanoseconds = now() - started
for i = 1, count - 1 do assert(ia[i - 1] <= ia[i]) end
print(string.format("%d", nanoseconds))
