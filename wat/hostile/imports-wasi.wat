;; promise: row 20: blame guest: imports wasi_snapshot_preview1.args_get, wasi_snapshot_preview1.proc_exit are not granted
(module
  (import "wasi_snapshot_preview1" "args_get" (func (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.const 0)))
