//! A question on the terminal itself, whatever stdin and stdout are: under kubectl they are pipes.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
};

use super::text::harmless;

/// Nobody types more; a terminal without line ends shall not fill the memory.
const LONGEST_ANSWER: u64 = 256;

/// Asks for the code of the MFA device `serial` on the terminal, and gives what was typed, without blanks around it.
///
/// # Errors
/// When the process has no terminal.
pub fn mfa_code(serial: &str) -> io::Result<String> {
    let (input, mut output) = terminal()?;
    write!(output, "MFA code for {}: ", harmless(serial))?;
    output.flush()?;
    let mut answer = String::new();
    BufReader::new(input.take(LONGEST_ANSWER)).read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

#[cfg(unix)]
fn terminal() -> io::Result<(File, File)> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    Ok((terminal.try_clone()?, terminal))
}

#[cfg(windows)]
fn terminal() -> io::Result<(File, File)> {
    Ok((
        OpenOptions::new().read(true).write(true).open("CONIN$")?,
        OpenOptions::new().read(true).write(true).open("CONOUT$")?,
    ))
}
