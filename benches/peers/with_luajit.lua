-- Sorts a file of integers once with a LuaJIT FFI callback: with_luajit.lua FILE. Or lets calls.c call a callback of
-- each prototype: with_luajit.lua LIBRARY CALLS. Prints the nanoseconds.
local ffi = require("ffi")
ffi.cdef[[
void qsort(void *base, size_t count, size_t size, int (*compare)(const int32_t *, const int32_t *));
typedef struct { long sec; long nsec; } timespec_t;
int clock_gettime(int clock, timespec_t *time);
int64_t time_calls(int prototype, void *callback, int64_t calls);
]]

local function now()
  local time = ffi.new("timespec_t")
  ffi.C.clock_gettime(1, time)
  return tonumber(time.sec) * 1e9 + tonumber(time.nsec)
end

local compare = ffi.cast("int (*)(const int32_t *, const int32_t *)", function(a, b)
  local x, y = a[0], b[0]
  if x > y then return 1 elseif x < y then return -1 else return 0 end
end)

if arg[2] then
  local library = ffi.load(arg[1])
  local callbacks = {
    compare,
    ffi.cast("int (*)(int)", function(n) return n + 1 end),
    ffi.cast("int (*)(const char *)", function(text) return text[0] end),
    ffi.cast("void (*)(int *)", function(n) n[0] = n[0] + 1 end),
  }
  for at, callback in ipairs(callbacks) do
    local nanoseconds = library.time_calls(at - 1, ffi.cast("void *", callback), tonumber(arg[2]))
    print(string.format("%d", tonumber(nanoseconds)))
  end
  os.exit()
end

local file = assert(io.open(arg[1], "rb"))
local data = file:read("*a")
local count = #data / 4
local ia = ffi.new("int32_t[?]", count)
ffi.copy(ia, data, #data)
local sort = ffi.C.qsort
local started = now()
sort(ia, count, 4, compare)
local nanoseconds = now() - started
for i = 1, count - 1 do assert(ia[i - 1] <= ia[i]) end
print(string.format("%d", nanoseconds))
