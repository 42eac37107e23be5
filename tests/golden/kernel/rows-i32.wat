(module $"callbox kernel"
  (type (;0;) (func (param i32 i32) (result i32)))
  (type (;1;) (func (param i32 i32 i32 i32)))
  (import "guest" "compare" (func $compare (;0;) (type 0)))
  (memory (;0;) 0)
  (global $table (;0;) (mut i32) i32.const 0)
  (global $comparisons (;1;) (mut i64) i64.const 0)
  (global $inconsistent (;2;) (mut i32) i32.const 0)
  (export "memory" (memory 0))
  (export "ask_row" (func $ask_row))
  (export "table" (global $table))
  (export "comparisons" (global $comparisons))
  (export "inconsistent" (global $inconsistent))
  (func $ask_row (;1;) (type 1) (param i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 i32)
    local.get 0
    i32.load
    local.set 6
    block ;; label = @1
      loop ;; label = @2
        local.get 1
        local.get 2
        i32.ge_u
        br_if 1 (;@1;)
        local.get 1
        i32.load
        local.set 7
        local.get 6
        local.get 7
        call $compare
        local.tee 4
        i32.const 0
        i32.gt_s
        local.get 4
        i32.const 0
        i32.ge_s
        i32.add
        local.set 5
        local.get 7
        local.get 6
        call $compare
        local.tee 4
        i32.const 0
        i32.gt_s
        local.get 4
        i32.const 0
        i32.ge_s
        i32.add
        i32.const 2
        i32.shl
        local.get 5
        i32.or
        local.set 5
        local.get 3
        local.get 5
        i32.store8
        local.get 3
        i32.const 1
        i32.add
        local.set 3
        local.get 1
        i32.const 4
        i32.add
        local.set 1
        br 0 (;@2;)
      end
    end
  )
)
