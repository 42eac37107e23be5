;; promise: row 13: blame guest: trapped: wasm `unreachable` instruction executed
(module
  (memory (export "memory") 1)
  (func (export "compare") (param i32 i32) (result i32) (unreachable)))
