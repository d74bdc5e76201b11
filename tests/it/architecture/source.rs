//! Rust files as tokens: which paths they name, which words and which texts they hold. Comments are not seen,
//! code inside of macros is. Never compiles anything.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One Rust file.
pub(super) struct Source {
    /// Below the top of the repository.
    pub(super) file: String,
    /// Where the file is in the tree of modules; empty for `src/lib.rs`.
    module: Vec<String>,
    text: String,
}

/// Something that a file says, and the line where it does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said<T> {
    pub(super) what: T,
    pub(super) line: usize,
}

impl Source {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let module = file.trim_start_matches("src/").trim_end_matches(".rs");
        let module =
            if module == "lib" { Vec::new() } else { module.split('/').map(str::to_owned).collect() };
        Self { file: file.to_owned(), module, text: text.to_owned() }
    }

    /// Every Rust file in `folder`, by name.
    pub(super) fn all_in(folder: &str) -> Vec<Self> {
        files(folder, "rs").into_iter().map(|file| Self::new(&file, &read(&file))).collect()
    }

    /// The top module that the file belongs to; `lib` and `main` for those two.
    pub(super) fn part(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }

    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// `file:line` of something said in this file.
    pub(super) fn place<T>(&self, said: &Said<T>) -> String {
        format!("{}:{}", self.file, said.line)
    }

    /// Every path with at least two parts, groups spread out; one that starts in this package starts with `crate`.
    pub(super) fn paths(&self) -> Vec<Said<Vec<String>>> {
        let mut found = Vec::new();
        paths_in(self.tokens(), &self.module, &mut found);
        found
    }

    /// Every keyword and name.
    pub(super) fn words(&self) -> Vec<Said<String>> {
        let mut found = Vec::new();
        visit(self.tokens(), &mut |token, _| {
            if let TokenTree::Ident(word) = token {
                found.push(Said { what: word.to_string(), line: line(token) });
            }
        });
        found
    }

    /// Every literal that is not documentation.
    pub(super) fn literals(&self) -> Vec<Said<String>> {
        self.texts(false)
    }

    /// The documentation, line by line.
    pub(super) fn documentation(&self) -> Vec<Said<String>> {
        self.texts(true)
    }

    fn texts(&self, documentation: bool) -> Vec<Said<String>> {
        let mut found = Vec::new();
        visit(self.tokens(), &mut |token, before| {
            let is_documentation = matches!(before, [.., TokenTree::Ident(doc), TokenTree::Punct(is)]
                if doc == "doc" && is.as_char() == '=');
            if let TokenTree::Literal(text) = token
                && is_documentation == documentation
            {
                found.push(Said { what: text.to_string(), line: line(token) });
            }
        });
        found
    }

    fn tokens(&self) -> TokenStream {
        self.text.parse().unwrap_or_else(|failed| panic!("{}: {failed}", self.file))
    }
}

/// The text of a file of the repository.
pub(super) fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|failed| panic!("{file}: {failed}"))
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` whose name ends in `.extension`, or all with an empty one; none when there is no such folder.
pub(super) fn files(folder: &str, extension: &str) -> Vec<String> {
    let mut open: Vec<PathBuf> = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if extension.is_empty() || path.extension().is_some_and(|found| found == extension) {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

/// Calls `see` with every token that is no group, and those before it in its group.
fn visit(tokens: TokenStream, see: &mut impl FnMut(&TokenTree, &[TokenTree])) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => visit(group.stream(), see),
            token => see(token, &tokens[..at]),
        }
    }
}

fn paths_in(tokens: TokenStream, module: &[String], found: &mut Vec<Said<Vec<String>>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Group(body), ..]
                if keyword == "mod" =>
            {
                paths_in(body.stream(), &[module, &[name.to_string()]].concat(), found);
                at += 3;
            }
            [TokenTree::Ident(_), ..] => at = path_at(&tokens, at, Vec::new(), module, found),
            [TokenTree::Group(group), ..] => {
                paths_in(group.stream(), module, found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Reads the path that goes on at `at` after `path`, and says where it ends.
fn path_at(
    tokens: &[TokenTree],
    mut at: usize,
    mut path: Vec<String>,
    module: &[String],
    found: &mut Vec<Said<Vec<String>>>,
) -> usize {
    let line = line(&tokens[at]);
    let follows_use = matches!(&tokens[..at], [.., TokenTree::Ident(word)] if word == "use");
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(part)) => path.push(part.to_string()),
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => path.push("*".to_owned()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                spread(group, &path, module, found);
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        if !is_separator(&tokens[at..]) {
            break;
        }
        at += 2;
    }
    let mut path = resolve(path, module);
    // `use crate as all;` and `use tokio;` reach everything in there.
    if path.len() == 1 && follows_use {
        path.push("*".to_owned());
    }
    if path.len() > 1 {
        found.push(Said { what: path, line });
    }
    at
}

fn spread(group: &Group, path: &[String], module: &[String], found: &mut Vec<Said<Vec<String>>>) {
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    for part in tokens.split(comma).filter(|part| !part.is_empty()) {
        path_at(part, 0, path.to_vec(), module, found);
    }
}

fn is_separator(tokens: &[TokenTree]) -> bool {
    let colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    matches!(tokens, [first, second, ..] if colon(first) && colon(second))
}

/// The path from the root of the package, when it is one of the package.
fn resolve(path: Vec<String>, module: &[String]) -> Vec<String> {
    let mut resolved: Vec<String> = match path.first().map(String::as_str) {
        Some("crate" | "plimsoll") => vec!["crate".to_owned()],
        Some("self" | "super") => ["crate".to_owned()].into_iter().chain(module.iter().cloned()).collect(),
        _ => return path,
    };
    for part in path {
        match part.as_str() {
            "crate" | "plimsoll" | "self" => {}
            "super" => drop(resolved.pop()),
            _ => resolved.push(part),
        }
    }
    resolved
}
