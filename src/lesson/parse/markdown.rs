//! The blocks of a Markdown text, flat and in order, as far as a lesson cares.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub kind: Kind,
    /// Where it is in the text, in bytes.
    pub range: Range<usize>,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// With its level, from 1.
    Heading(usize),
    Paragraph,
    /// Of a list, with its number where it has one; without the blocks inside it, which follow.
    Item(Option<u64>),
    /// Between fences; inside a list or not. Its text is without indentation.
    Fence {
        nested: bool,
        text: String,
    },
    /// Code by indentation.
    Indented(String),
    Html,
    Quote,
}

/// The blocks of `text` from byte `start` on, which begins a line.
pub(super) fn blocks(text: &str, start: usize) -> Vec<Block> {
    let mut walker = Walker::default();
    let body = text.get(start..).unwrap_or_default();
    for (event, range) in Parser::new_ext(body, Options::empty()).into_offset_iter() {
        walker.event(event, range.start + start..range.end + start);
    }
    walker.blocks
}

#[derive(Default)]
struct Walker {
    blocks: Vec<Block>,
    /// The number of the next item of each list that is open.
    lists: Vec<Option<u64>>,
    /// The items that are open, by their place in `blocks`.
    items: Vec<usize>,
    quotes: usize,
    in_code: bool,
}

impl Walker {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::BlockQuote(_)) => {
                if self.quotes == 0 {
                    self.push(Kind::Quote, range);
                }
                self.quotes += 1;
            }
            Event::End(TagEnd::BlockQuote(_)) => self.quotes -= 1,
            _ if self.quotes > 0 => {}
            Event::Start(tag) => self.start(&tag, range),
            Event::End(TagEnd::List(_)) => drop(self.lists.pop()),
            Event::End(TagEnd::Item) => drop(self.items.pop()),
            Event::End(TagEnd::CodeBlock) => self.in_code = false,
            Event::Text(words) if self.in_code => {
                if let Some(Kind::Fence { text, .. } | Kind::Indented(text)) =
                    self.blocks.last_mut().map(|block| &mut block.kind)
                {
                    text.push_str(&words);
                }
            }
            // Inline marks are kept as they are written: they are read from the text itself.
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        let nested = !self.items.is_empty();
        match tag {
            Tag::List(first) => {
                self.cut_item(range.start);
                self.lists.push(*first);
            }
            Tag::Item => {
                let next = self.lists.last_mut().and_then(Option::as_mut);
                let number = next.map(|next| std::mem::replace(next, next.saturating_add(1)));
                self.items.push(self.blocks.len());
                self.blocks.push(Block { kind: Kind::Item(number), range });
            }
            Tag::Paragraph if self.inside_item(range.start) => {}
            Tag::Paragraph => self.push(Kind::Paragraph, range),
            Tag::Heading { .. } if nested => self.push(Kind::Paragraph, range),
            Tag::Heading { level, .. } => self.push(Kind::Heading(depth(*level)), range),
            Tag::CodeBlock(kind) => {
                self.in_code = true;
                let text = String::new();
                let kind = match kind {
                    CodeBlockKind::Indented => Kind::Indented(text),
                    CodeBlockKind::Fenced(_) => Kind::Fence { nested, text },
                };
                self.push(kind, range);
            }
            Tag::HtmlBlock => self.push(Kind::Html, range),
            _ => {}
        }
    }

    fn push(&mut self, kind: Kind, range: Range<usize>) {
        self.cut_item(range.start);
        self.blocks.push(Block { kind, range });
    }

    /// The words of an item end where a block inside it begins.
    fn cut_item(&mut self, at: usize) {
        if let Some(item) = self.items.last().and_then(|item| self.blocks.get_mut(*item)) {
            item.range.end = item.range.end.min(at);
        }
    }

    fn inside_item(&self, at: usize) -> bool {
        self.items.last().and_then(|item| self.blocks.get(*item)).is_some_and(|item| at < item.range.end)
    }
}

fn depth(level: HeadingLevel) -> usize {
    level as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_flattened() {
        let text = "intro\n\n- a\n  b\n  - c\n\n  d\n- e\n\n  f\n\n3. g\n   ```js\n   h\n   ```\n4. i\n";
        let found: Vec<_> =
            blocks(text, 7).into_iter().map(|block| (block.kind, text[block.range].trim())).collect();
        let fence = Kind::Fence { nested: true, text: "h\n".into() };
        assert_eq!(
            found,
            [
                (Kind::Item(None), "- a\n  b"),
                (Kind::Item(None), "- c"),
                (Kind::Paragraph, "d"),
                (Kind::Item(None), "- e\n\n  f"),
                (Kind::Item(Some(3)), "3. g"),
                (fence, "```js\n   h\n   ```"),
                (Kind::Item(Some(4)), "4. i"),
            ]
        );
    }

    #[test]
    fn other_blocks_are_told_apart() {
        let text = "# a\n\n> b\n> - c\n\n<div>\n\n    d\n\n```js\ne\n```\n";
        let kinds: Vec<_> = blocks(text, 0).into_iter().map(|block| block.kind).collect();
        let fence = Kind::Fence { nested: false, text: "e\n".into() };
        assert_eq!(kinds, [Kind::Heading(1), Kind::Quote, Kind::Html, Kind::Indented("d\n".into()), fence]);
    }
}
