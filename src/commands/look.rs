//! How it looks: decided once, from the flags, the environment and what stdout is.

use std::io::{self, BufWriter, Stdout};

use super::front::Make;
use crate::cli::{Colour, Playing, Serving};
use crate::terminal::{self, ColourChoice, Depth, Environment, Reading, Screen, Status};
use crate::timeline::Bus;
use crate::view::{Json, NARROWEST, Narrator, Options, Plain, View};

/// So many columns where nobody looks at them: what is longer is seldom read.
const PIPE: usize = 240;

/// The colours that stdout has.
fn depth(asked: Colour, environment: &Environment) -> Depth {
    let choice = match asked {
        Colour::Auto => ColourChoice::Auto,
        Colour::Always => ColourChoice::Always,
        Colour::Never => ColourChoice::Never,
    };
    Depth::decide(terminal::stdout_is_terminal(), choice, environment)
}

/// How `wsdemo serve` looks: its screen, the status line beneath, and how rows are drawn.
pub(super) fn of_serve(serving: &Serving) -> (Screen<Stdout>, Status, Options) {
    let environment = Environment::read();
    let is_terminal = terminal::stdout_is_terminal();
    let width = if is_terminal { terminal::width() } else { PIPE };
    let ascii = serving.ascii || !environment.is_utf8();
    let options = Options { width, ascii, hex: false, brief: false };
    let status = Status::stderr(terminal::width(), environment.wants_plain(), ascii, false);
    let screen = Screen::new(io::stdout(), depth(serving.color, &environment)).with_status(status.clone());
    (screen, status, options)
}

/// How it looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub json: bool,
    /// Sentences, nothing drawn and nothing repainted.
    pub plain: bool,
    /// Somebody sits there: a terminal on both sides.
    pub watched: bool,
    /// The width that was asked for.
    pub asked: Option<usize>,
    depth: Depth,
    options: Options,
}

impl Look {
    pub fn decide(playing: &Playing) -> Self {
        let environment = Environment::read();
        let is_terminal = terminal::stdout_is_terminal();
        let asked = playing.width.map(usize::from);
        let watched = !playing.json && is_terminal && terminal::stdin_is_terminal();
        let undrawn = !watched || environment.wants_plain();
        Self {
            json: playing.json,
            plain: playing.plain || asked.is_none() && undrawn,
            watched,
            asked,
            depth: depth(playing.color, &environment),
            options: Options {
                width: asked.unwrap_or_else(terminal::width),
                ascii: playing.ascii || !environment.is_utf8(),
                hex: playing.hex,
                brief: watched && !playing.hex,
            },
        }
    }

    /// How keys are read: where nothing may be repainted, nothing depends on single keys either.
    pub fn reading(&self) -> Reading {
        if self.plain { Reading::Lines } else { Reading::Single }
    }

    pub fn status(&self) -> Status {
        Status::stderr(terminal::width(), self.plain, self.options.ascii, self.watched)
    }

    /// Stdout. Made once: see [`Screen::new`].
    pub fn screen(&self, status: &Status) -> Screen<Stdout> {
        Screen::new(io::stdout(), self.depth).with_status(status.clone())
    }

    /// A view that writes straight to stdout, where nobody sits.
    pub fn view(&self, bus: &Bus, status: &Status) -> io::Result<Box<dyn View>> {
        if self.json {
            return Ok(Box::new(Json::new(BufWriter::new(io::stdout()), &bus.started())?));
        }
        let screen = self.screen(status);
        Ok(if self.plain {
            Box::new(Plain::new(screen, self.options))
        } else {
            Box::new(Narrator::new(screen, self.options))
        })
    }

    /// Makes views for a screen whose width may change.
    pub fn maker(&self) -> Make {
        let Self { plain, options, .. } = *self;
        Box::new(move |columns, sheets| {
            let options = Options { width: columns.max(NARROWEST), ..options };
            if plain {
                Box::new(Plain::new(sheets, options))
            } else {
                Box::new(Narrator::new(sheets, options))
            }
        })
    }
}
