//! Transcripts of the command line, run as tests.

#[test]
fn the_transcripts_are_what_the_command_line_shows() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd").env("COLUMNS", "80");
}
