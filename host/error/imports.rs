//! Imports that no host grants: the toolchains that ask for them, and the way to do without.

const WASM_BINDGEN: &str = "wasm-bindgen's guests need JavaScript: build it without wasm-bindgen";
const EMSCRIPTEN: &str =
    "Emscripten's guests need JavaScript: build it with clang --target=wasm32-unknown-unknown -nostdlib";
const GO: &str = "Go's guests need JavaScript: build it with tinygo build -target=wasm-unknown";
const WASI: &str =
    "it is built for WASI: build it for wasm32-unknown-unknown, without standard input and output";

/// Module, name and advice; a `*` at the end of a pattern stands for any rest. The first row that fits an
/// import is its own.
const ADVICE: [(&str, &str, &str); 19] = [
    ("*", "__wbindgen_*", WASM_BINDGEN),
    ("*", "__wbg_*", WASM_BINDGEN),
    ("env", "emscripten_*", EMSCRIPTEN),
    ("env", "_emscripten_*", EMSCRIPTEN),
    ("env", "_abort_js", EMSCRIPTEN),
    ("env", "__syscall_*", EMSCRIPTEN),
    ("env", "invoke_*", EMSCRIPTEN),
    ("go", "*", GO),
    ("gojs", "*", GO),
    ("env", "runtime.*", GO),
    ("env", "syscall/js.*", GO),
    ("wasi_snapshot_preview1", "*", WASI),
    ("wasi_unstable", "*", WASI),
    ("wasi", "*", WASI),
    ("wasi:*", "*", WASI),
    ("env", "abort", "AssemblyScript's env.abort has to be left out: compile with --use abort="),
    ("env", "memory", "a guest brings its own memory: link without --import-memory"),
    ("env", "__indirect_function_table", "a guest brings its own table: link without --import-table"),
    ("env", "*", "the linker found no definition of what it imports from env: define it in the guest"),
];

/// Returns the way to do without an import, given as `module.name`; `None` where its name does not tell.
pub(crate) fn advice(import: &str) -> Option<&'static str> {
    // Both parts may contain dots.
    let mut split = import.match_indices('.').map(|(at, _)| (&import[..at], &import[at + 1..]));
    let fits = |(module, name)| {
        move |&&(of, named, _): &&(&str, &str, _)| matches(of, module) && matches(named, name)
    };
    split.find_map(|parts| ADVICE.iter().find(fits(parts))).map(|(.., advice)| *advice)
}

fn matches(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// Returns the sentence about imports that were refused: all of them by name, and what to do.
pub(super) fn refusal(imports: &[String]) -> String {
    let subject = match imports {
        [one] => format!("import {one} is"),
        many => format!("imports {} are", many.join(", ")),
    };
    let known: Vec<_> = imports.iter().map(|import| advice(import)).collect();
    let mut told: Vec<_> = ADVICE.map(|(.., advice)| advice).into();
    told.dedup();
    told.retain(|advice| known.contains(&Some(advice)));
    if known.contains(&None) {
        let only = "a guest may import only callbox.print (i32, i32), and only where the host grants it";
        told.insert(0, only);
    }
    format!("{subject} not granted; {}", told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_toolchains_imports_have_its_advice() {
        for (import, expected) in [
            ("wasi_snapshot_preview1.fd_write", Some(WASI)),
            ("wasi_unstable.proc_exit", Some(WASI)),
            ("wasi:cli/stdout@0.2.0.get-stdout", Some(WASI)),
            ("wbg.__wbindgen_throw", Some(WASM_BINDGEN)),
            ("./guest_bg.js.__wbg_log_0123", Some(WASM_BINDGEN)),
            ("__wbindgen_placeholder__.__wbindgen_describe", Some(WASM_BINDGEN)),
            ("env.emscripten_resize_heap", Some(EMSCRIPTEN)),
            ("gojs.syscall/js.valueGet", Some(GO)),
            ("go.runtime.wasmExit", Some(GO)),
            ("env.runtime.ticks", Some(GO)),
            ("callbox.print", None),
            ("wasix_32v1.fd_dup2", None),
            ("environment.abort", None),
            ("", None),
        ] {
            assert_eq!(advice(import), expected, "{import}");
        }
        assert!(advice("env.abort").unwrap().ends_with("compile with --use abort="));
        assert!(advice("env.memory").unwrap().contains("--import-memory"));
        assert!(advice("env.memcpy").unwrap().ends_with("define it in the guest"));
    }

    #[test]
    fn every_row_is_some_imports_own() {
        for (at, (module, name, advice)) in ADVICE.iter().enumerate() {
            let import = format!("{}.{}", module.replace('*', "x"), name.replace('*', "x"));
            assert_eq!(super::advice(&import), Some(*advice), "row {at}: an earlier row takes {import}");
        }
    }

    #[test]
    fn a_refusal_names_all_imports_and_each_advice_once() {
        let refusal =
            |imports: &[&str]| refusal(&imports.iter().map(|name| name.to_string()).collect::<Vec<_>>());
        assert_eq!(
            refusal(&["wasi_unstable.a", "wasi_snapshot_preview1.b"]),
            format!("imports wasi_unstable.a, wasi_snapshot_preview1.b are not granted; {WASI}")
        );
        assert_eq!(
            refusal(&["wasi.a", "x.y", "go.b", "env.emscripten_x", "env.invoke_x"]),
            format!(
                "imports wasi.a, x.y, go.b, env.emscripten_x, env.invoke_x are not granted; a guest may \
                 import only callbox.print (i32, i32), and only where the host grants it; {EMSCRIPTEN}; \
                 {GO}; {WASI}"
            )
        );
        assert_eq!(
            refusal(&["callbox.print"]),
            "import callbox.print is not granted; a guest may import only callbox.print (i32, i32), and only \
             where the host grants it"
        );
    }
}
