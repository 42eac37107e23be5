// Sorts a file of integers with an upcall stub of Java's FFM API: java Ffm FILE. Prints the best nanoseconds.
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
    /** Reads the int at the start of a segment. Constant, so that the JIT compiler can inline it. */
    static final MethodHandle get = read();

    static int compare(Object a, Object b) {
        try {
            int x = (int) get.invokeExact(a), y = (int) get.invokeExact(b);
            return Integer.compare(x, y);
        } catch (Throwable error) {
            throw new AssertionError(error);
        }
    }

    static MethodHandle read() {
        try {
            MethodHandle read = MethodHandles.publicLookup().findVirtual(type("MemorySegment"), "get",
                    MethodType.methodType(int.class, type("ValueLayout$OfInt"), long.class));
            Object intLayout = type("ValueLayout").getField("JAVA_INT").get(null);
            // Takes Object, so that any compiler can compile `compare`.
            return MethodHandles.insertArguments(read, 1, intLayout, 0L)
                    .asType(MethodType.methodType(int.class, Object.class));
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

    public static void main(String[] args) throws Throwable {
        Class<?> linkerType = type("Linker"), segment = type("MemorySegment"), arenaType = type("Arena");
        Class<?> layout = type("MemoryLayout"), value = type("ValueLayout"), option = type("Linker$Option");
        Class<?> descriptor = type("FunctionDescriptor"), lookupType = type("SymbolLookup");
        Class<?> address = type("AddressLayout");
        Object intLayout = value.getField("JAVA_INT").get(null), longLayout = value.getField("JAVA_LONG").get(null);
        Object pointer = value.getField("ADDRESS").get(null);
        Object toInt = call(address.getMethod("withTargetLayout", layout), pointer, intLayout);
        Object linker = linkerType.getMethod("nativeLinker").invoke(null);
        Object arena = arenaType.getMethod("ofConfined").invoke(null);

        Object none = Array.newInstance(option, 0);
        Method of = descriptor.getMethod("of", layout, layout.arrayType());
        Object compareLayouts = Array.newInstance(layout, 2);
        Array.set(compareLayouts, 0, toInt);
        Array.set(compareLayouts, 1, toInt);
        Object compareDescriptor = call(of, null, intLayout, compareLayouts);
        MethodHandle target = MethodHandles.lookup().findStatic(Ffm.class, "compare",
                MethodType.methodType(int.class, Object.class, Object.class));
        target = target.asType(MethodType.methodType(int.class, segment, segment));
        Method upcall = linkerType.getMethod("upcallStub", MethodHandle.class, descriptor, arenaType, none.getClass());
        Object stub = call(upcall, linker, target, compareDescriptor, arena, none);

        Object qsortLayouts = Array.newInstance(layout, 4);
        Object[] layouts = {pointer, longLayout, longLayout, pointer};
        for (int i = 0; i < 4; i++) Array.set(qsortLayouts, i, layouts[i]);
        Object qsortDescriptor = call(descriptor.getMethod("ofVoid", layout.arrayType()), null, qsortLayouts);
        Object lookup = call(linkerType.getMethod("defaultLookup"), linker);
        Object symbol = call(lookupType.getMethod("findOrThrow", String.class), lookup, "qsort");
        Method downcall = linkerType.getMethod("downcallHandle", segment, descriptor, none.getClass());
        MethodHandle qsort = (MethodHandle) call(downcall, linker, symbol, qsortDescriptor, none);

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
