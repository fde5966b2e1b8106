//! Samples: answers as QuickBooks and the gateways before it give them.

use ledgerfleet_model::FailureKind;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::http::{Answer, HeldBytes};
use crate::scrub::Scrubber;

/// An answer with that status, content type and body.
pub(super) fn answer(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
    headers.insert("intuit_tid", HeaderValue::from_static("1-65a-7f"));
    Answer {
        status,
        headers,
        body: body.as_ref().to_vec(),
        held: HeldBytes::default(),
        scrubber: Scrubber::default(),
    }
}

/// An answer in JSON.
pub(super) fn json(status: u16, body: impl AsRef<[u8]>) -> Answer {
    answer(status, "application/json;charset=UTF-8", body)
}

/// The answer with one more header.
pub(super) fn with(mut answer: Answer, name: &'static str, value: &'static str) -> Answer {
    answer
        .headers
        .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    answer
}

/// A fault of the service: capitalised members.
pub(super) fn fault(class: &str, code: &str, message: &str, detail: &str) -> String {
    format!(
        r#"{{"Fault":{{"Error":[{{"Message":"{message}","Detail":"{detail}","code":"{code}","element":""}}],"type":"{class}"}},"time":"2015-08-07T05:35:56.791-07:00"}}"#
    )
}

/// A fault of the gateway: lower case, with much that is empty around it.
pub(super) fn gateway_fault(class: &str, code: &str, message: &str, detail: &str) -> String {
    format!(
        r#"{{"warnings":null,"intuitObject":null,"fault":{{"error":[{{"message":"{message}","detail":{detail},"code":"{code}","element":null}}],"type":"{class}"}},"report":null,"queryResponse":null,"batchItemResponse":[],"time":1633520295688,"status":null,"cdcresponse":[]}}"#
    )
}

/// A fault as XML.
pub(super) fn xml_fault(class: &str, code: &str, message: &str, detail: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
         <IntuitResponse time=\"2016-12-08T07:11:23.000-08:00\" xmlns=\"http://schema.intuit.com/finance/v3\">\n \
         <Fault type=\"{class}\">\n  <Error code=\"{code}\" element=\"\">\n   <Message>{message}</Message>\n   \
         <Detail>{detail}</Detail>\n  </Error>\n </Fault>\n</IntuitResponse>"
    )
}

/// What the API says when it wants fewer requests.
pub(super) fn throttle_xml(status: u16) -> String {
    xml_fault(
        "SERVICE",
        "3001",
        &format!("message=ThrottleExceeded; errorCode=003001; statusCode={status}"),
        "The request limit was reached.  Try again later",
    )
}

/// A page of a gateway.
pub(super) const HTML: &str =
    "<!DOCTYPE html>\n<html><head><title>502</title></head><body>Bad Gateway</body></html>";

/// The kinds that a table of answers is read as.
pub(super) type Table<'a> = &'a [(&'a str, Answer, FailureKind)];
