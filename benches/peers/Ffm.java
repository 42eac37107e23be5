// Sorts a file of integers with an upcall stub of Java's FFM API: java Ffm FILE. Prints the best nanoseconds.
// Or lets calls.c call a stub of each prototype: java Ffm LIBRARY CALLS. Prints the nanoseconds.
// Reaches the API by reflection, so that an older compiler can compile this.
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

public class Ffm {
    /** Access to the start of a segment. Constant, so that the JIT compiler can inline it. */
    static final MethodHandle get = access("get", "Int", int.class), getByte = access("get", "Byte", byte.class);
    static final MethodHandle set = access("set", "Int", void.class, int.class);

    static int compare(Object a, Object b) {
        try {
            int x = (int) get.invokeExact(a), y = (int) get.invokeExact(b);
            return Integer.compare(x, y);
        } catch (Throwable error) {
            throw new AssertionError(error);
        }
    }

    static int next(int n) {
        return n + 1;
    }

    static int first(Object text) {
        try {
            return (byte) getByte.invokeExact(text);
        } catch (Throwable error) {
            throw new AssertionError(error);
        }
    }

    static void add(Object n) {
        try {
            set.invokeExact(n, (int) get.invokeExact(n) + 1);
        } catch (Throwable error) {
            throw new AssertionError(error);
        }
    }

    static MethodHandle access(String method, String value, Class<?> result, Class<?>... written) {
        try {
            MethodType takes = MethodType.methodType(result, type("ValueLayout$Of" + value), long.class);
            MethodHandle handle = MethodHandles.publicLookup().findVirtual(type("MemorySegment"), method,
                    takes.appendParameterTypes(written));
            Object layout = type("ValueLayout").getField("JAVA_" + value.toUpperCase()).get(null);
            // Takes Object, so that any compiler can compile `compare`.
            return MethodHandles.insertArguments(handle, 1, layout, 0L)
                    .asType(MethodType.methodType(result, Object.class).appendParameterTypes(written));
        } catch (Exception error) {
            throw new AssertionError(error);
        }
    }

    static Class<?> type(String name) throws Exception {
        return Class.forName("java.lang.foreign." + name);
    }

    static Object call(Method method, Object on, Object... arguments) throws Exception {
        return method.invoke(on, arguments);
    }

    static Object linker, arena, intLayout, longLayout, pointer;

    static Object layouts(Object... layouts) throws Exception {
        Object array = Array.newInstance(type("MemoryLayout"), layouts.length);
        for (int i = 0; i < layouts.length; i++) Array.set(array, i, layouts[i]);
        return array;
    }

    /** Describes a C function; one that returns nothing has no `result`. */
    static Object describe(Object result, Object... parameters) throws Exception {
        Class<?> descriptor = type("FunctionDescriptor"), layout = type("MemoryLayout");
        Object takes = layouts(parameters);
        if (result == null) return call(descriptor.getMethod("ofVoid", layout.arrayType()), null, takes);
        return call(descriptor.getMethod("of", layout, layout.arrayType()), null, result, takes);
    }

    static Object upcall(String name, MethodType type, Object descriptor) throws Exception {
        MethodHandle target = MethodHandles.lookup().findStatic(Ffm.class, name, type);
        for (int i = 0; i < type.parameterCount(); i++)
            if (type.parameterType(i) == Object.class) type = type.changeParameterType(i, type("MemorySegment"));
        Object none = Array.newInstance(type("Linker$Option"), 0);
        Method stub = type("Linker").getMethod("upcallStub", MethodHandle.class, type("FunctionDescriptor"),
                type("Arena"), none.getClass());
        return call(stub, linker, target.asType(type), descriptor, arena, none);
    }

    static MethodHandle downcall(Object lookup, String name, Object descriptor) throws Exception {
        Object none = Array.newInstance(type("Linker$Option"), 0);
        Object symbol = call(type("SymbolLookup").getMethod("findOrThrow", String.class), lookup, name);
        Method handle = type("Linker").getMethod("downcallHandle", type("MemorySegment"), type("FunctionDescriptor"),
                none.getClass());
        return (MethodHandle) call(handle, linker, symbol, descriptor, none);
    }

    static void kept(Object compare, Object toInt, Object toByte, Path library, long calls) throws Throwable {
        Object[] stubs = {
            compare,
            upcall("next", MethodType.methodType(int.class, int.class), describe(intLayout, intLayout)),
            upcall("first", MethodType.methodType(int.class, Object.class), describe(intLayout, toByte)),
            upcall("add", MethodType.methodType(void.class, Object.class), describe(null, toInt)),
        };
        Method open = type("SymbolLookup").getMethod("libraryLookup", Path.class, type("Arena"));
        MethodHandle timeCalls = downcall(call(open, null, library, arena), "time_calls",
                describe(longLayout, intLayout, pointer, longLayout));
        for (int at = 0; at < stubs.length; at++) {
            // The first calls warm up the JIT compiler.
            timeCalls.invokeWithArguments(at, stubs[at], calls / 10);
            System.out.println((long) timeCalls.invokeWithArguments(at, stubs[at], calls));
        }
    }

    public static void main(String[] args) throws Throwable {
        Class<?> arenaType = type("Arena"), segment = type("MemorySegment"), value = type("ValueLayout");
        Method toLayout = type("AddressLayout").getMethod("withTargetLayout", type("MemoryLayout"));
        intLayout = value.getField("JAVA_INT").get(null);
        longLayout = value.getField("JAVA_LONG").get(null);
        pointer = value.getField("ADDRESS").get(null);
        linker = type("Linker").getMethod("nativeLinker").invoke(null);
        arena = arenaType.getMethod("ofConfined").invoke(null);
        Object toInt = call(toLayout, pointer, intLayout);
        Object stub = upcall("compare", MethodType.methodType(int.class, Object.class, Object.class),
                describe(intLayout, toInt, toInt));
        if (args.length == 2) {
            Object toByte = call(toLayout, pointer, value.getField("JAVA_BYTE").get(null));
            kept(stub, toInt, toByte, Path.of(args[0]), Long.parseLong(args[1]));
            return;
        }
        Object lookup = call(type("Linker").getMethod("defaultLookup"), linker);
        MethodHandle qsort = downcall(lookup, "qsort", describe(null, pointer, longLayout, longLayout, pointer));

        byte[] data = Files.readAllBytes(Path.of(args[0]));
        int count = data.length / 4;
        int[] numbers = new int[count];
        ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(numbers);
        Object array = call(arenaType.getMethod("allocate", long.class, long.class), arena, 4L * count, 8L);
        ByteBuffer buffer = ((ByteBuffer) call(segment.getMethod("asByteBuffer"), array)).order(ByteOrder.LITTLE_ENDIAN);
        long best = Long.MAX_VALUE;
        // The first rounds warm up the JIT compiler.
        for (int round = 0; round < 4; round++) {
            buffer.asIntBuffer().put(numbers);
            long started = System.nanoTime();
            qsort.invokeWithArguments(array, (long) count, 4L, stub);
            best = Math.min(best, System.nanoTime() - started);
        }
        int[] sorted = new int[count];
        buffer.asIntBuffer().get(sorted);
        Arrays.sort(numbers);
        if (!Arrays.equals(sorted, numbers)) throw new AssertionError("not sorted");
        System.out.println(best);
    }
}
