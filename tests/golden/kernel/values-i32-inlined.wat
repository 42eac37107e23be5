(module $"callbox kernel"
  (type (;0;) (func (param i32 i32) (result i32)))
  (type (;1;) (func (param i32 i32 i32)))
  (type (;2;) (func (param i32 i32 i32 i32)))
  (type (;3;) (func (param i32 i32 i32 i32)))
  (type (;4;) (func (param i32 i32 i32 i32)))
  (type (;5;) (func (param i32 i32 i32 i32 i32) (result i32)))
  (type (;6;) (func (param i32 i32 i32 i32 i32) (result i32)))
  (type (;7;) (func (param i32 i32) (result i32)))
  (import "guest" "compare" (func $compare (;0;) (type 0)))
  (memory (;0;) 0)
  (global $table (;0;) (mut i32) i32.const 0)
  (global $comparisons (;1;) (mut i64) i64.const 0)
  (global $inconsistent (;2;) (mut i32) i32.const 0)
  (export "memory" (memory 0))
  (export "sort" (func $sort))
  (export "merge_runs" (func $merge_runs))
  (export "merge_answers" (func $merge_answers))
  (export "sort_block" (func $sort_block))
  (export "table" (global $table))
  (export "comparisons" (global $comparisons))
  (export "inconsistent" (global $inconsistent))
  (func $sort (;1;) (type 1) (param i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32)
    local.get 2
    i32.const 2
    i32.lt_u
    if ;; label = @1
      return
    end
    local.get 0
    local.set 3
    local.get 2
    i32.const 1
    i32.sub
    i32.const 4
    i32.mul
    local.get 0
    i32.add
    local.set 4
    local.get 0
    i32.load
    local.set 6
    block ;; label = @1
      loop ;; label = @2
        local.get 6
        local.set 5
        local.get 3
        i32.load offset=4
        local.set 6
        global.get $comparisons
        i32.const 1
        i64.extend_i32_u
        i64.add
        global.set $comparisons
        local.get 5
        local.get 6
        local.set 11
        local.set 10
        block (result i32) ;; label = @3
          local.get 10
          local.get 11
          i32.gt_s
          local.get 10
          local.get 11
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        br_if 1 (;@1;)
        local.get 3
        i32.const 4
        i32.add
        local.tee 3
        local.get 4
        i32.lt_u
        br_if 0 (;@2;)
        return
      end
    end
    local.get 0
    local.get 0
    local.get 1
    local.get 2
    call $sort_part
  )
  (func $sort_part (;2;) (type 2) (param i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    local.get 3
    i32.const 4
    i32.le_u
    if ;; label = @1
      local.get 3
      i32.const 4
      i32.eq
      if ;; label = @2
        local.get 0
        i32.load
        local.set 11
        local.get 0
        i32.load offset=4
        local.set 12
        local.get 0
        i32.load offset=8
        local.set 13
        local.get 0
        i32.load offset=12
        local.set 14
        global.get $comparisons
        i32.const 5
        i64.extend_i32_u
        i64.add
        global.set $comparisons
        local.get 11
        local.get 12
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 15
        local.get 12
        local.get 11
        local.get 15
        select
        local.set 16
        local.get 11
        local.get 12
        local.get 15
        select
        local.set 12
        local.get 16
        local.set 11
        local.get 13
        local.get 14
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 17
        local.get 14
        local.get 13
        local.get 17
        select
        local.set 18
        local.get 13
        local.get 14
        local.get 17
        select
        local.set 14
        local.get 18
        local.set 13
        local.get 11
        local.get 13
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 23
        local.get 12
        local.get 14
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 24
        local.get 13
        local.get 11
        local.get 23
        select
        local.set 19
        local.get 12
        local.get 14
        local.get 24
        select
        local.set 20
        local.get 11
        local.get 13
        local.get 12
        local.get 24
        select
        local.get 23
        select
        local.set 21
        local.get 14
        local.get 12
        local.get 13
        local.get 23
        select
        local.get 24
        select
        local.set 22
        local.get 21
        local.get 22
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 25
        local.get 22
        local.get 21
        local.get 25
        select
        local.set 26
        local.get 21
        local.get 22
        local.get 25
        select
        local.set 22
        local.get 26
        local.set 21
        local.get 19
        local.set 11
        local.get 21
        local.set 12
        local.get 22
        local.set 13
        local.get 20
        local.set 14
        local.get 1
        local.get 11
        i32.store
        local.get 1
        local.get 12
        i32.store offset=4
        local.get 1
        local.get 13
        i32.store offset=8
        local.get 1
        local.get 14
        i32.store offset=12
        return
      end
      local.get 3
      i32.const 3
      i32.eq
      if ;; label = @2
        local.get 0
        i32.load
        local.set 11
        local.get 0
        i32.load offset=4
        local.set 12
        local.get 0
        i32.load offset=8
        local.set 13
        global.get $comparisons
        i32.const 3
        i64.extend_i32_u
        i64.add
        global.set $comparisons
        local.get 11
        local.get 12
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 27
        local.get 12
        local.get 11
        local.get 27
        select
        local.set 28
        local.get 11
        local.get 12
        local.get 27
        select
        local.set 12
        local.get 28
        local.set 11
        local.get 12
        local.get 13
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 29
        local.get 13
        local.get 12
        local.get 29
        select
        local.set 30
        local.get 12
        local.get 13
        local.get 29
        select
        local.set 13
        local.get 30
        local.set 12
        local.get 11
        local.get 12
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 31
        local.get 12
        local.get 11
        local.get 31
        select
        local.set 32
        local.get 11
        local.get 12
        local.get 31
        select
        local.set 12
        local.get 32
        local.set 11
        local.get 1
        local.get 11
        i32.store
        local.get 1
        local.get 12
        i32.store offset=4
        local.get 1
        local.get 13
        i32.store offset=8
        return
      end
      local.get 3
      i32.const 2
      i32.eq
      if ;; label = @2
        local.get 0
        i32.load
        local.set 11
        local.get 0
        i32.load offset=4
        local.set 12
        global.get $comparisons
        i32.const 1
        i64.extend_i32_u
        i64.add
        global.set $comparisons
        local.get 11
        local.get 12
        local.set 10
        local.set 9
        block (result i32) ;; label = @3
          local.get 9
          local.get 10
          i32.gt_s
          local.get 9
          local.get 10
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 33
        local.get 12
        local.get 11
        local.get 33
        select
        local.set 34
        local.get 11
        local.get 12
        local.get 33
        select
        local.set 12
        local.get 34
        local.set 11
        local.get 1
        local.get 11
        i32.store
        local.get 1
        local.get 12
        i32.store offset=4
        return
      end
      local.get 3
      i32.const 1
      i32.eq
      if ;; label = @2
        local.get 0
        i32.load
        local.set 11
        global.get $comparisons
        i32.const 0
        i64.extend_i32_u
        i64.add
        global.set $comparisons
        local.get 1
        local.get 11
        i32.store
        return
      end
      return
    end
    local.get 3
    i32.const 1
    i32.shr_u
    local.tee 4
    i32.const 4
    i32.mul
    local.set 5
    local.get 0
    local.get 2
    local.get 1
    local.get 4
    call $sort_part
    local.get 0
    local.get 5
    i32.add
    local.get 2
    local.get 5
    i32.add
    local.get 1
    local.get 5
    i32.add
    local.get 3
    local.get 4
    i32.sub
    call $sort_part
    local.get 2
    local.get 1
    local.get 4
    local.get 3
    call $merge_halves
  )
  (func $merge_halves (;3;) (type 3) (param i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    local.get 3
    i32.const 2
    i32.shl
    local.set 10
    local.get 0
    local.tee 4
    local.get 2
    i32.const 2
    i32.shl
    i32.add
    local.tee 5
    i32.const 4
    i32.sub
    local.set 7
    local.get 0
    local.get 10
    i32.add
    i32.const 4
    i32.sub
    local.set 8
    local.get 3
    i32.const 32
    i32.ge_u
    if ;; label = @1
      local.get 7
      i32.load
      local.set 16
      local.get 5
      i32.load
      local.set 17
      global.get $comparisons
      i32.const 1
      i64.extend_i32_u
      i64.add
      global.set $comparisons
      local.get 16
      local.get 17
      local.set 24
      local.set 23
      block (result i32) ;; label = @2
        local.get 23
        local.get 24
        i32.gt_s
        local.get 23
        local.get 24
        i32.lt_s
        i32.sub
      end
      i32.const 0
      i32.gt_s
      i32.eqz
      if ;; label = @2
        local.get 1
        local.get 4
        local.get 10
        memory.copy
        return
      end
      local.get 4
      i32.load
      local.set 16
      local.get 8
      i32.load
      local.set 17
      global.get $comparisons
      i32.const 1
      i64.extend_i32_u
      i64.add
      global.set $comparisons
      local.get 16
      local.get 17
      local.set 24
      local.set 23
      block (result i32) ;; label = @2
        local.get 23
        local.get 24
        i32.gt_s
        local.get 23
        local.get 24
        i32.lt_s
        i32.sub
      end
      i32.const 0
      i32.gt_s
      if ;; label = @2
        local.get 10
        local.get 5
        local.get 4
        i32.sub
        i32.sub
        local.set 25
        local.get 1
        local.get 5
        local.get 25
        memory.copy
        local.get 1
        local.get 25
        i32.add
        local.get 4
        local.get 5
        local.get 4
        i32.sub
        memory.copy
        return
      end
    end
    local.get 1
    local.tee 6
    local.get 2
    i32.const 2
    i32.shl
    i32.add
    local.set 11
    local.get 1
    local.get 10
    i32.add
    i32.const 4
    i32.sub
    local.set 9
    global.get $comparisons
    local.get 2
    i32.const 1
    i32.shl
    i64.extend_i32_u
    i64.add
    global.set $comparisons
    local.get 4
    local.get 5
    i32.add
    local.get 6
    i32.sub
    local.set 13
    local.get 6
    local.get 9
    i32.add
    local.tee 15
    local.get 7
    local.get 8
    i32.add
    local.get 9
    i32.sub
    i32.add
    local.set 14
    local.get 11
    local.set 26
    loop ;; label = @1
      local.get 13
      local.get 5
      i32.sub
      local.get 6
      i32.add
      local.set 4
      local.get 14
      local.get 7
      i32.sub
      local.get 6
      i32.sub
      local.set 8
      local.get 4
      i32.load
      local.set 16
      local.get 5
      i32.load
      local.set 17
      local.get 7
      i32.load
      local.set 18
      local.get 8
      i32.load
      local.set 19
      local.get 16
      local.get 17
      local.set 24
      local.set 23
      block (result i32) ;; label = @2
        local.get 23
        local.get 24
        i32.gt_s
        local.get 23
        local.get 24
        i32.lt_s
        i32.sub
      end
      i32.const 0
      i32.gt_s
      local.set 12
      local.get 6
      local.get 17
      local.get 16
      local.get 12
      select
      i32.store
      local.get 5
      local.get 12
      i32.const 2
      i32.shl
      i32.add
      local.set 5
      local.get 18
      local.get 19
      local.set 24
      local.set 23
      block (result i32) ;; label = @2
        local.get 23
        local.get 24
        i32.gt_s
        local.get 23
        local.get 24
        i32.lt_s
        i32.sub
      end
      i32.const 0
      i32.gt_s
      local.set 12
      local.get 15
      local.get 6
      i32.sub
      local.get 18
      local.get 19
      local.get 12
      select
      i32.store
      local.get 7
      local.get 12
      i32.const 2
      i32.shl
      i32.sub
      local.set 7
      local.get 6
      i32.const 4
      i32.add
      local.tee 6
      local.get 26
      i32.lt_u
      br_if 0 (;@1;)
    end
    local.get 13
    local.get 5
    i32.sub
    local.get 6
    i32.add
    local.set 4
    local.get 14
    local.get 7
    i32.sub
    local.get 6
    i32.sub
    local.set 8
    local.get 3
    i32.const 1
    i32.and
    if ;; label = @1
      local.get 4
      local.get 7
      i32.le_u
      local.set 12
      local.get 6
      local.get 4
      local.get 5
      local.get 12
      select
      i32.load
      i32.store
      local.get 12
      i32.const 2
      i32.shl
      local.set 12
      local.get 4
      local.get 12
      i32.add
      local.set 4
      local.get 5
      i32.const 4
      i32.add
      local.get 12
      i32.sub
      local.set 5
    end
    local.get 4
    local.get 7
    i32.const 4
    i32.add
    i32.ne
    local.get 5
    local.get 8
    i32.const 4
    i32.add
    i32.ne
    i32.or
    if ;; label = @1
      i32.const 1
      global.set $inconsistent
      unreachable
    end
  )
  (func $merge_runs (;4;) (type 4) (param i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    local.get 0
    local.tee 4
    local.get 2
    i32.const 2
    i32.shl
    i32.add
    local.tee 5
    local.tee 6
    local.get 3
    i32.const 2
    i32.shl
    i32.add
    local.set 7
    block ;; label = @1
      loop ;; label = @2
        local.get 4
        local.get 5
        i32.ge_u
        br_if 1 (;@1;)
        local.get 6
        local.get 7
        i32.ge_u
        br_if 1 (;@1;)
        local.get 4
        i32.load
        local.set 10
        local.get 6
        i32.load
        local.set 11
        local.get 9
        i32.const 1
        i32.add
        local.set 9
        local.get 10
        local.get 11
        local.set 16
        local.set 15
        block (result i32) ;; label = @3
          local.get 15
          local.get 16
          i32.gt_s
          local.get 15
          local.get 16
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        i32.const 2
        i32.shl
        local.set 8
        local.get 1
        local.get 11
        local.get 10
        local.get 8
        select
        i32.store
        local.get 6
        local.get 8
        i32.add
        local.set 6
        local.get 4
        i32.const 4
        i32.add
        local.get 8
        i32.sub
        local.set 4
        local.get 1
        i32.const 4
        i32.add
        local.set 1
        br 0 (;@2;)
      end
    end
    local.get 1
    local.get 4
    local.get 5
    local.get 4
    i32.sub
    memory.copy
    local.get 1
    local.get 5
    i32.add
    local.get 4
    i32.sub
    local.get 6
    local.get 7
    local.get 6
    i32.sub
    memory.copy
    global.get $comparisons
    local.get 9
    i64.extend_i32_u
    i64.add
    global.set $comparisons
  )
  (func $merge_answers (;5;) (type 5) (param i32 i32 i32 i32 i32) (result i32)
    (local i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    local.get 0
    i32.load
    local.set 7
    local.get 1
    i32.load
    local.set 8
    i64.const -9223372036854775808
    local.set 6
    block ;; label = @1
      loop ;; label = @2
        local.get 0
        i32.load offset=4
        local.set 9
        local.get 1
        i32.load offset=4
        local.set 10
        local.get 7
        local.get 8
        local.set 15
        local.set 14
        block (result i32) ;; label = @3
          local.get 14
          local.get 15
          i32.gt_s
          local.get 14
          local.get 15
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 5
        local.get 7
        local.get 9
        local.get 5
        select
        local.set 7
        local.get 10
        local.get 8
        local.get 5
        select
        local.set 8
        local.get 6
        i64.const 1
        i64.shr_u
        local.get 5
        i64.extend_i32_u
        i64.const 63
        i64.shl
        i64.or
        local.set 6
        local.get 5
        i32.const 4
        i32.mul
        local.tee 5
        local.get 1
        i32.add
        local.set 1
        local.get 0
        i32.const 4
        i32.add
        local.get 5
        i32.sub
        local.set 0
        local.get 0
        local.get 2
        i32.lt_u
        local.get 1
        local.get 3
        i32.lt_u
        i32.and
        i32.eqz
        br_if 1 (;@1;)
        local.get 0
        i32.load offset=4
        local.set 9
        local.get 1
        i32.load offset=4
        local.set 10
        local.get 7
        local.get 8
        local.set 15
        local.set 14
        block (result i32) ;; label = @3
          local.get 14
          local.get 15
          i32.gt_s
          local.get 14
          local.get 15
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 5
        local.get 7
        local.get 9
        local.get 5
        select
        local.set 7
        local.get 10
        local.get 8
        local.get 5
        select
        local.set 8
        local.get 6
        i64.const 1
        i64.shr_u
        local.get 5
        i64.extend_i32_u
        i64.const 63
        i64.shl
        i64.or
        local.set 6
        local.get 5
        i32.const 4
        i32.mul
        local.tee 5
        local.get 1
        i32.add
        local.set 1
        local.get 0
        i32.const 4
        i32.add
        local.get 5
        i32.sub
        local.set 0
        local.get 0
        local.get 2
        i32.lt_u
        local.get 1
        local.get 3
        i32.lt_u
        i32.and
        i32.eqz
        br_if 1 (;@1;)
        local.get 0
        i32.load offset=4
        local.set 9
        local.get 1
        i32.load offset=4
        local.set 10
        local.get 7
        local.get 8
        local.set 15
        local.set 14
        block (result i32) ;; label = @3
          local.get 14
          local.get 15
          i32.gt_s
          local.get 14
          local.get 15
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 5
        local.get 7
        local.get 9
        local.get 5
        select
        local.set 7
        local.get 10
        local.get 8
        local.get 5
        select
        local.set 8
        local.get 6
        i64.const 1
        i64.shr_u
        local.get 5
        i64.extend_i32_u
        i64.const 63
        i64.shl
        i64.or
        local.set 6
        local.get 5
        i32.const 4
        i32.mul
        local.tee 5
        local.get 1
        i32.add
        local.set 1
        local.get 0
        i32.const 4
        i32.add
        local.get 5
        i32.sub
        local.set 0
        local.get 0
        local.get 2
        i32.lt_u
        local.get 1
        local.get 3
        i32.lt_u
        i32.and
        i32.eqz
        br_if 1 (;@1;)
        local.get 0
        i32.load offset=4
        local.set 9
        local.get 1
        i32.load offset=4
        local.set 10
        local.get 7
        local.get 8
        local.set 15
        local.set 14
        block (result i32) ;; label = @3
          local.get 14
          local.get 15
          i32.gt_s
          local.get 14
          local.get 15
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 5
        local.get 7
        local.get 9
        local.get 5
        select
        local.set 7
        local.get 10
        local.get 8
        local.get 5
        select
        local.set 8
        local.get 6
        i64.const 1
        i64.shr_u
        local.get 5
        i64.extend_i32_u
        i64.const 63
        i64.shl
        i64.or
        local.set 6
        local.get 5
        i32.const 4
        i32.mul
        local.tee 5
        local.get 1
        i32.add
        local.set 1
        local.get 0
        i32.const 4
        i32.add
        local.get 5
        i32.sub
        local.set 0
        local.get 0
        local.get 2
        i32.lt_u
        local.get 1
        local.get 3
        i32.lt_u
        i32.and
        local.get 6
        i64.const 15
        i64.and
        i64.eqz
        i32.and
        br_if 0 (;@2;)
        local.get 6
        i64.const 15
        i64.and
        i64.eqz
        br_if 1 (;@1;)
        local.get 4
        local.get 6
        i64.store
        local.get 4
        i32.const 8
        i32.add
        local.set 4
        i64.const -9223372036854775808
        local.set 6
        local.get 0
        local.get 2
        i32.lt_u
        local.get 1
        local.get 3
        i32.lt_u
        i32.and
        br_if 0 (;@2;)
      end
    end
    local.get 6
    i64.const -9223372036854775808
    i64.ne
    if ;; label = @1
      local.get 4
      local.get 6
      i64.store
      local.get 4
      i32.const 8
      i32.add
      local.set 4
    end
    local.get 4
  )
  (func $sort_block (;6;) (type 6) (param i32 i32 i32 i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    local.get 3
    i32.const 2
    i32.lt_u
    if ;; label = @1
      local.get 1
      local.get 0
      i32.load
      i32.store
      local.get 4
      return
    end
    local.get 3
    i32.const 2
    i32.eq
    if ;; label = @1
      local.get 0
      i32.load
      local.set 12
      local.get 0
      i32.load offset=4
      local.set 13
      local.get 12
      local.get 13
      local.set 20
      local.set 19
      block (result i32) ;; label = @2
        local.get 19
        local.get 20
        i32.gt_s
        local.get 19
        local.get 20
        i32.lt_s
        i32.sub
      end
      i32.const 0
      i32.gt_s
      local.set 10
      local.get 1
      local.get 13
      local.get 12
      local.get 10
      select
      i32.store
      local.get 1
      local.get 12
      local.get 13
      local.get 10
      select
      i32.store offset=4
      local.get 4
      local.get 10
      i64.extend_i32_u
      i64.const 63
      i64.shl
      i64.const 4611686018427387904
      i64.or
      i64.store
      local.get 4
      i32.const 8
      i32.add
      return
    end
    local.get 3
    i32.const 1
    i32.shr_u
    local.tee 5
    i32.const 2
    i32.shl
    local.set 10
    local.get 0
    local.get 2
    local.get 1
    local.get 5
    local.get 4
    call $sort_block
    local.set 4
    local.get 0
    local.get 10
    i32.add
    local.get 2
    local.get 10
    i32.add
    local.get 1
    local.get 10
    i32.add
    local.get 3
    local.get 5
    i32.sub
    local.get 4
    call $sort_block
    local.set 4
    local.get 2
    local.tee 6
    local.get 10
    i32.add
    local.tee 7
    local.set 8
    local.get 2
    local.get 3
    i32.const 2
    i32.shl
    i32.add
    local.set 9
    local.get 6
    i32.load
    local.set 12
    local.get 8
    i32.load
    local.set 13
    i64.const -9223372036854775808
    local.set 11
    block ;; label = @1
      loop ;; label = @2
        local.get 6
        i32.load offset=4
        local.set 14
        local.get 8
        i32.load offset=4
        local.set 15
        local.get 12
        local.get 13
        local.set 20
        local.set 19
        block (result i32) ;; label = @3
          local.get 19
          local.get 20
          i32.gt_s
          local.get 19
          local.get 20
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 10
        local.get 1
        local.get 13
        local.get 12
        local.get 10
        select
        i32.store
        local.get 12
        local.get 14
        local.get 10
        select
        local.set 12
        local.get 15
        local.get 13
        local.get 10
        select
        local.set 13
        local.get 1
        i32.const 4
        i32.add
        local.set 1
        local.get 11
        i64.const 1
        i64.shr_u
        local.get 10
        i64.extend_i32_u
        i64.const 63
        i64.shl
        i64.or
        local.set 11
        local.get 10
        i32.const 4
        i32.mul
        local.tee 10
        local.get 8
        i32.add
        local.set 8
        local.get 6
        i32.const 4
        i32.add
        local.get 10
        i32.sub
        local.set 6
        local.get 6
        local.get 7
        i32.lt_u
        local.get 8
        local.get 9
        i32.lt_u
        i32.and
        i32.eqz
        br_if 1 (;@1;)
        local.get 6
        i32.load offset=4
        local.set 14
        local.get 8
        i32.load offset=4
        local.set 15
        local.get 12
        local.get 13
        local.set 20
        local.set 19
        block (result i32) ;; label = @3
          local.get 19
          local.get 20
          i32.gt_s
          local.get 19
          local.get 20
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 10
        local.get 1
        local.get 13
        local.get 12
        local.get 10
        select
        i32.store
        local.get 12
        local.get 14
        local.get 10
        select
        local.set 12
        local.get 15
        local.get 13
        local.get 10
        select
        local.set 13
        local.get 1
        i32.const 4
        i32.add
        local.set 1
        local.get 11
        i64.const 1
        i64.shr_u
        local.get 10
        i64.extend_i32_u
        i64.const 63
        i64.shl
        i64.or
        local.set 11
        local.get 10
        i32.const 4
        i32.mul
        local.tee 10
        local.get 8
        i32.add
        local.set 8
        local.get 6
        i32.const 4
        i32.add
        local.get 10
        i32.sub
        local.set 6
        local.get 6
        local.get 7
        i32.lt_u
        local.get 8
        local.get 9
        i32.lt_u
        i32.and
        i32.eqz
        br_if 1 (;@1;)
        local.get 6
        i32.load offset=4
        local.set 14
        local.get 8
        i32.load offset=4
        local.set 15
        local.get 12
        local.get 13
        local.set 20
        local.set 19
        block (result i32) ;; label = @3
          local.get 19
          local.get 20
          i32.gt_s
          local.get 19
          local.get 20
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 10
        local.get 1
        local.get 13
        local.get 12
        local.get 10
        select
        i32.store
        local.get 12
        local.get 14
        local.get 10
        select
        local.set 12
        local.get 15
        local.get 13
        local.get 10
        select
        local.set 13
        local.get 1
        i32.const 4
        i32.add
        local.set 1
        local.get 11
        i64.const 1
        i64.shr_u
        local.get 10
        i64.extend_i32_u
        i64.const 63
        i64.shl
        i64.or
        local.set 11
        local.get 10
        i32.const 4
        i32.mul
        local.tee 10
        local.get 8
        i32.add
        local.set 8
        local.get 6
        i32.const 4
        i32.add
        local.get 10
        i32.sub
        local.set 6
        local.get 6
        local.get 7
        i32.lt_u
        local.get 8
        local.get 9
        i32.lt_u
        i32.and
        i32.eqz
        br_if 1 (;@1;)
        local.get 6
        i32.load offset=4
        local.set 14
        local.get 8
        i32.load offset=4
        local.set 15
        local.get 12
        local.get 13
        local.set 20
        local.set 19
        block (result i32) ;; label = @3
          local.get 19
          local.get 20
          i32.gt_s
          local.get 19
          local.get 20
          i32.lt_s
          i32.sub
        end
        i32.const 0
        i32.gt_s
        local.set 10
        local.get 1
        local.get 13
        local.get 12
        local.get 10
        select
        i32.store
        local.get 12
        local.get 14
        local.get 10
        select
        local.set 12
        local.get 15
        local.get 13
        local.get 10
        select
        local.set 13
        local.get 1
        i32.const 4
        i32.add
        local.set 1
        local.get 11
        i64.const 1
        i64.shr_u
        local.get 10
        i64.extend_i32_u
        i64.const 63
        i64.shl
        i64.or
        local.set 11
        local.get 10
        i32.const 4
        i32.mul
        local.tee 10
        local.get 8
        i32.add
        local.set 8
        local.get 6
        i32.const 4
        i32.add
        local.get 10
        i32.sub
        local.set 6
        local.get 6
        local.get 7
        i32.lt_u
        local.get 8
        local.get 9
        i32.lt_u
        i32.and
        local.get 11
        i64.const 15
        i64.and
        i64.eqz
        i32.and
        br_if 0 (;@2;)
        local.get 11
        i64.const 15
        i64.and
        i64.eqz
        br_if 1 (;@1;)
        local.get 4
        local.get 11
        i64.store
        local.get 4
        i32.const 8
        i32.add
        local.set 4
        i64.const -9223372036854775808
        local.set 11
        local.get 6
        local.get 7
        i32.lt_u
        local.get 8
        local.get 9
        i32.lt_u
        i32.and
        br_if 0 (;@2;)
      end
    end
    local.get 11
    i64.const -9223372036854775808
    i64.ne
    if ;; label = @1
      local.get 4
      local.get 11
      i64.store
      local.get 4
      i32.const 8
      i32.add
      local.set 4
    end
    block ;; label = @1
      loop ;; label = @2
        local.get 6
        local.get 7
        i32.ge_u
        br_if 1 (;@1;)
        local.get 1
        local.get 6
        i32.load
        i32.store
        local.get 6
        i32.const 4
        i32.add
        local.set 6
        local.get 1
        i32.const 4
        i32.add
        local.set 1
        br 0 (;@2;)
      end
    end
    block ;; label = @1
      loop ;; label = @2
        local.get 8
        local.get 9
        i32.ge_u
        br_if 1 (;@1;)
        local.get 1
        local.get 8
        i32.load
        i32.store
        local.get 8
        i32.const 4
        i32.add
        local.set 8
        local.get 1
        i32.const 4
        i32.add
        local.set 1
        br 0 (;@2;)
      end
    end
    local.get 4
  )
  (func $tie (;7;) (type 7) (param i32 i32) (result i32)
    i32.const 0
  )
)
