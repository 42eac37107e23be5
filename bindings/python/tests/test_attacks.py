"""Programs that tried to end the process, to lose an exception or a value, or to have a guest see another layout."""

import array
import ctypes
import gc
import subprocess
import sys
import threading
from ctypes import POINTER, Structure, c_int

import callbox
import pytest
from test_failures import interrupted

COMPARE = "int (const int *, const int *)"
VERSIONS = ["v1.10", "v1.9", "v1.2"]
PRINTING = """(module (import "callbox" "print" (func $print (param i32 i32))) (memory (export "memory") 1)
    (func (export "compare_i32") (param i32 i32) (result i32)
        (loop $l (call $print (i32.const 0) (i32.const 1)) (br_if $l (i32.const MORE)))
        (i32.sub (local.get 0) (local.get 1))))"""


def printing(print, *, forever: bool) -> callbox.Guest:
    text = PRINTING.replace("MORE", str(int(forever)))
    return callbox.loads(text, print=print, limits=callbox.Limits(print=1 << 30))


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("forever", [False, True])
def test_an_exception_of_a_print_function_is_raised_by_the_call_and_stops_the_guest(forever):
    def raises(text):
        raise ZeroDivisionError

    numbers = array.array("i", [3, 1, 2])
    with pytest.raises(ZeroDivisionError):
        printing(raises, forever=forever).sort(numbers)
    assert numbers.tolist() == [3, 1, 2]


def test_ctrl_c_while_a_guest_prints_stops_it():
    guest = printing(lambda text: None, forever=True)
    assert interrupted(lambda: guest.sort(array.array("i", [3, 1, 2]))) < 20


@pytest.mark.parametrize("printer", ["time.sleep(.02)", "time.sleep(.001)", "sys.stderr.write('')", "None"])
def test_an_interpreter_that_ends_while_a_guest_prints_ends_well(printer):
    done = run(
        f"""
import array, callbox, sys, threading, time
text = {PRINTING.replace("MORE", "0")!r}
def work(guest):
    while True:
        guest.sort(array.array("i", range(300)))
for _ in range(4):
    guest = callbox.loads(text, print=lambda text: {printer}, limits=callbox.Limits(print=1 << 30))
    threading.Thread(target=work, args=(guest,), daemon=True).start()
time.sleep(0.2)
"""
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_child_that_is_forked_in_a_print_function_ends_as_any_other():
    done = run(
        f"""
import array, callbox, os, sys
def fork(text):
    if os.fork() == 0:
        sys.exit()
    os.wait()
guest = callbox.loads({PRINTING.replace("MORE", "0")!r}, print=fork)
guest.sort(array.array("i", [2, 1]))
print("parent")
"""
    )
    assert (done.returncode, done.stdout) == (0, "parent\n"), done.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ctrl_c_stops_a_guest_in_a_child_that_another_thread_has_forked():
    done = run(
        """
import callbox, os, signal, threading
text = '(module (func (export "compare_i32") (param i32 i32) (result i32) (loop $l (br $l)) unreachable))'
guest = callbox.loads(text)
def fork():
    if os.fork() == 0:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            guest.sort((__import__("ctypes").c_int * 2)(2, 1))
        except KeyboardInterrupt:
            os._exit(7)
        os._exit(8)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
thread = threading.Thread(target=fork)
thread.start()
thread.join()
"""
    )
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


def test_more_nulls_than_an_index_counts_are_refused(version):
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(callbox.RefusedError, match="too many"):
        version.argsort(pyarrow.nulls(1 << 33))


def test_a_thread_with_little_stack_loads_a_guest():
    done = run(
        """
import callbox, threading
threading.stack_size(64 << 10)
def work():
    try:
        callbox.bundled("version").argsort(["v2", "v1"])
    except callbox.Error as error:
        print(error)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    )
    assert done.returncode == 0 and "not enough stack" in done.stdout, done


def test_no_lease_ends_in_the_middle_of_native_code(libc):
    ended = []

    def end(text):
        with pytest.raises(ValueError, match="is working with the lease"):
            lease.__exit__(None, None, None)
        ended.append(text)

    numbers = array.array("i", [3, 1, 2])
    with printing(end, forever=False).callback("compare_i32", COMPARE).lend(numbers) as lease:
        libc.qsort(lease.base, len(lease), lease.width, lease.pointer)
    assert ended and numbers.tolist() == [1, 2, 3]


def test_a_lease_that_is_collected_on_another_thread_is_ended_by_its_own(ascending):
    compare = ascending.callback("compare", COMPARE)
    gc.collect()
    before = len(callbox.table())
    held = [compare.lend(array.array("i", [2, 1])) for _ in range(5)]

    def in_thread(work):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        gc.collect()

    in_thread(held.clear)
    with compare.lend(array.array("i", [2, 1])):
        assert len(callbox.table()) == before + 1
    in_thread(lambda: held.append(compare.lend(array.array("i", [2, 1]))))
    assert len(callbox.table()) == before, "leases end with their thread"


def test_what_does_not_fit_in_memory_is_a_memory_error():
    numpy = pytest.importorskip("numpy")
    huge = numpy.broadcast_to(numpy.int32(1), 1 << 45)
    for work in [callbox.bundled("i32").argsort, callbox.bundled("i32").check]:
        with pytest.raises(MemoryError):
            work(huge)


def test_values_that_lie_about_their_length_or_can_be_had_only_once_are_sorted(version):
    class Liar(list):
        def __len__(self):
            return 1 << 40

    class Once:
        def __init__(self, values):
            self.values, self.iterator = values, iter(values)

        def __len__(self):
            return len(self.values)

        def __iter__(self):
            return self.iterator

    assert version.argsort(Liar(["v2", "v1"])).tolist() == [1, 0]
    assert version.sorted(Once(VERSIONS)) == version.sorted(VERSIONS)


def test_masked_arrays_are_refused_since_no_buffer_tells_what_they_hide():
    numpy = pytest.importorskip("numpy")
    masked = numpy.ma.masked_array(numpy.array([3, 1, 2], "i4"), mask=[0, 1, 0])
    for work in [callbox.bundled("i32").sort, callbox.bundled("i32").argsort]:
        with pytest.raises(TypeError, match="masked array"):
            work(masked)
    assert masked.compressed().tolist() == [3, 2]


def test_splitters_of_another_type_are_refused():
    numpy = pytest.importorskip("numpy")
    guest = callbox.bundled("i32")
    with pytest.raises(TypeError, match="another type"):
        guest.search(numpy.array([1.0, 2.0], "f4"), numpy.array([1, 2], "i4"))
    with pytest.raises(TypeError, match="another type"):
        guest.search(["aaaa"], numpy.array([1, 2], "i4"))
    assert guest.search(numpy.array([], "i4"), numpy.array([1, 2], "i4")).tolist() == [0, 0]


def test_dictionaries_may_be_empty_and_their_keys_must_be_within(version):
    pyarrow = pytest.importorskip("pyarrow")
    assert version.argsort(pyarrow.array([], pyarrow.string()).dictionary_encode()).tolist() == []
    assert version.argsort(pyarrow.array([None, None], pyarrow.string()).dictionary_encode()).tolist() == [0, 1]
    for key in [7, -7]:
        wrong = pyarrow.DictionaryArray.from_arrays(pyarrow.array([key], "int8"), ["v1"], safe=False)
        with pytest.raises(ValueError, match="no word"):
            version.argsort(wrong)
    polars = pytest.importorskip("polars")
    assert version.argsort(polars.Series([None, None], dtype=polars.Categorical)).tolist() == [0, 1]


class Point(Structure):
    _fields_ = [("x", c_int), ("y", c_int)]


class Inherits(Point):
    _fields_ = [("z", c_int)]


class Alone(Inherits):
    _fields_ = []


class Named(Structure):
    _fields_ = [("a; int z", c_int)]


class Swapped(ctypes.BigEndianStructure):
    _fields_ = [("y", c_int)]


class Node(Structure):
    pass


Node._fields_ = [("next", POINTER(Node))]


@pytest.mark.parametrize(
    ("ctype", "named"),
    [
        (Inherits, "Inherits.z is not where C puts it"),
        (Alone, "Alone is not as large"),
        (Named, "no name of C's"),
        (Swapped, "Swapped"),
        (c_int.__ctype_be__, "c_int"),
        (POINTER(Node), "leads to itself"),
    ],
)
def test_a_structure_that_c_lays_out_in_another_way_is_refused(ascending, ctype, named):
    with pytest.raises(TypeError, match=named):
        ascending.cfunctype(c_int, ctype)
