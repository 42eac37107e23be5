//! Pages for man(1), completions of shells, and the list of bundled guests.

use std::fs;
use std::process::Command;

use callbox::bundled::BUNDLED;

use crate::support::{callbox, callbox_ok, run, skip};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

fn text(args: &[&str]) -> String {
    String::from_utf8(callbox_ok(args, b"")).unwrap()
}

/// The names of the subcommands, as the help lists them.
fn subcommands() -> Vec<String> {
    let help = text(&["--help"]);
    let list = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

/// The long options that the help of a subcommand shows.
fn options(subcommand: &str) -> Vec<String> {
    let help = text(&[subcommand, "--help"]);
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let words = lines.flat_map(|line| line.split([' ', ',', '[', '=']));
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn each_subcommand_has_a_page_with_every_option_of_its_help() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("share/man1");
    for _ in 0..2 {
        // The second time, the pages are there already.
        callbox_ok(&["manual", made.to_str().unwrap()], b"");
    }
    let mut pages = fs::read_dir(&made).unwrap().count();
    assert!(fs::read_to_string(made.join("callbox.1")).unwrap().contains(r"callbox\-sort(1)"));
    for name in subcommands() {
        let page = fs::read_to_string(made.join(format!("callbox-{name}.1"))).unwrap();
        for option in options(&name) {
            assert!(page.contains(&option.replace('-', r"\-")), "callbox-{name}.1 has no {option}");
        }
        pages -= 1;
    }
    assert_eq!(pages, 1, "a page that no subcommand has");
}

#[test]
fn the_page_of_sort_shows_guest_and_file_and_fits_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    callbox_ok(&["manual", folder.path().to_str().unwrap()], b"");
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tascii", "-P-c", "-ww", "-rLL=78n"]).arg(folder.path().join("callbox-sort.1"));
    let Ok(output) = groff.output() else { return skip("groff", "how the pages for man(1) look") };
    let [page, warnings] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(warnings, "");
    for line in page.lines() {
        // Bold letters are struck twice, and those in italics underlined.
        let width = line.chars().count() - 2 * line.matches('\x08').count();
        assert!(width <= 80, "{line}");
    }
    assert!(page.contains("[OPTIONS] GUEST [FILE]..."), "{page}");
}

#[test]
fn a_page_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("callbox-sort.1");
    fs::create_dir(&page).unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (to, named) in [(folder.path(), &page), (&*file, &file)] {
        let output = run(callbox().arg("manual").arg(to), b"");
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(&format!("callbox: {}: cannot ", named.display())), "{stderr}");
    }
}

#[test]
fn completions_know_every_option_and_none_that_is_only_refused() {
    for shell in SHELLS {
        let script = text(&["completions", shell]);
        for option in subcommands().iter().flat_map(|name| options(name)) {
            let name = option.trim_start_matches('-');
            assert!(script.contains(name), "{shell}: no {option}");
        }
        for refused in ["random-sort", "max-fuel"] {
            assert!(!script.contains(refused), "{shell}: {refused}");
        }
    }
}

#[test]
fn bash_completes_options_and_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("script"), text(&["completions", "bash"])).unwrap();
    let complete = ". ./script; COMP_WORDS=(callbox sort --rev) COMP_CWORD=2
        _callbox callbox --rev sort; echo ${COMPREPLY[@]}; complete -p callbox";
    let mut bash = Command::new("bash");
    let Ok(output) = bash.args(["-c", complete]).current_dir(folder.path()).output() else {
        return skip("bash", "its completions");
    };
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with("--reverse\n") && printed.contains("-o default"), "{printed}");
}

#[test]
fn the_list_of_guests_has_a_line_of_each_that_fits_a_terminal() {
    let list = text(&["guests"]);
    let names: Vec<_> = list.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, BUNDLED.iter().map(|guest| guest.name).collect::<Vec<_>>());
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
    assert_eq!(text(&["inspect"]), list);
}
