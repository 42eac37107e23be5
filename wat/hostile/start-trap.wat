;; promise: row 18: blame guest: "start" trapped: wasm `unreachable` instruction executed
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.const 0))
  (func $start (unreachable))
  (start $start))
