//! Page: a part of a list, and where the next one begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::problem::{Cause, Refusal};

/// A page of a list.
#[derive(Serialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// The cursor of the next page; none after the last.
    pub(super) next: Option<String>,
}

impl<T> Page<T> {
    /// Of a list that was read whole: what comes after `cursor`, in the order of what tells the items apart.
    pub(super) fn of(
        mut items: Vec<T>,
        key: impl Fn(&T) -> String,
        (limit, cursor): (u32, Option<&str>),
    ) -> Result<Self, Refusal> {
        let after = cursor.map(read).transpose()?;
        items.sort_by_cached_key(&key);
        if let Some(after) = after {
            items.retain(|item| key(item) > after);
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_cut = items.len() > most;
        items.truncate(most);
        let last = items.last().filter(|_| is_cut);
        let next = last.map(|last| URL_SAFE_NO_PAD.encode(key(last)));
        Ok(Self { items, next })
    }
}

fn read(cursor: &str) -> Result<String, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| {
        let detail = "this cursor is not one that this query was answered with; begin without one";
        Refusal::new(Cause::InvalidRequest, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_list_hold_each_item_once() {
        let (mut met, mut cursor) = (Vec::new(), None);
        loop {
            let items = vec![3, 1, 5, 2, 4];
            let page = Page::of(items, ToString::to_string, (2, cursor.as_deref())).unwrap();
            met.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(met, [1, 2, 3, 4, 5]);
        assert!(Page::of(vec![1], ToString::to_string, (1, Some("%"))).is_err());
    }
}
