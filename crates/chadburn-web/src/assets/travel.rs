//! What of a part travels: everything but the comments that have lines of their own.
//!
//! Those are for whoever reads the source, and make up a quarter of the panel. Their lines stay,
//! empty, so that a fault in a browser names the line that the source has. Nothing is known here of
//! scripts and styles beyond how a line begins that is a comment.

use axum::body::Bytes;

/// This part as it travels; only scripts and styles are touched.
pub(super) fn bare(name: &str, content: &'static [u8]) -> Bytes {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match (ending, std::str::from_utf8(content)) {
        ("js", Ok(text)) => without_comments(text, true).into(),
        ("css", Ok(text)) => without_comments(text, false).into(),
        _ => Bytes::from_static(content),
    }
}

fn without_comments(text: &str, is_script: bool) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut is_inside = false;
    for line in text.split_inclusive('\n') {
        let begins = line.trim_start();
        if !is_inside && is_script && begins.starts_with("//") {
            bare.push('\n');
            continue;
        }
        let is_comment = is_inside || begins.starts_with("/*");
        is_inside = is_comment && !line.contains("*/");
        // What follows a comment on its line is not to be lost with it.
        let is_all_of_it = is_inside || line.trim_end().ends_with("*/");
        bare.push_str(if is_comment && is_all_of_it { "\n" } else { line });
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_lines_stay() {
        let script =
            "// a\nlet x = 1; // b\n  /** c */\n/**\n// d\n */\n  y('// e');\n/* f */ z();\n";
        let bare = without_comments(script, true);
        assert_eq!(bare, "\nlet x = 1; // b\n\n\n\n\n  y('// e');\n/* f */ z();\n");
        let style = "/* a\n   b */\n.c { content: \"//\"; }\n//d\n";
        assert_eq!(without_comments(style, false), "\n\n.c { content: \"//\"; }\n//d\n");
    }

    #[test]
    fn other_parts_travel_as_they_are() {
        assert_eq!(bare("panel.html", b"// text"), "// text");
        assert_eq!(bare("static/a.js", b"\xff// no text"), &b"\xff// no text"[..]);
    }
}
