//! A product of two decimal numbers, exact: SQLite has whole numbers of 18 digits, and binary fractions, which lose half cents
//! and the last decimals of a rate.

/// Beside every inner select: keeps SQLite from putting the expression wherever its name stands.
const ONCE: &str = "LIMIT 1 OFFSET 0";

/// Half of the digits that a whole number holds.
const HALF: &str = "1000000000";

/// An amount times a rate as a text with two decimals, rounded half away from zero; null if one of them is. Both are names or
/// expressions of texts that JSON takes for numbers. Beyond 18 digits, where no books are, it is as near as binary fractions
/// come.
///
/// From the inside out: the digits before the exponent `m` and the exponent `e`; all digits `d`; their two halves, and the
/// decimals `n` of the product beyond cents; the product's upper and lower 18 digits `h` and `l`; whole cents `v`.
pub(super) fn product(amount: &str, rate: &str) -> String {
    let parts = |x: &str| {
        format!(
            "substr({x},1,instr(lower({x})||'e','e')-1) AS {x}m,CAST(substr({x},instr(lower({x})||'e','e')+1) AS INTEGER) AS {x}e"
        )
    };
    let digits = |x: &str| format!("ltrim(replace(replace({x}m,'-',''),'.',''),'0') AS {x}d");
    let decimals = |x: &str| format!("max(length({x}m)-instr({x}m||'.','.'),0)-{x}e");
    let ten_to = |exponent: &str| format!("CAST(CAST('1e'||abs({exponent}) AS REAL) AS INTEGER)");
    format!(
        "(SELECT CASE WHEN b='1' AND length(a)<15 AND round(a,2)=a+0.0 THEN printf('%.2f',a) ELSE (SELECT \
         CASE WHEN max(length(ad),length(bd))>18 OR n<0 AND h>0 OR typeof(v)='real' THEN printf('%.2f',a*b) \
         ELSE printf('%s%d.%02d',iif(v>0 AND (a+0<0)<>(b+0<0),'-',''),v/100,v%100) END FROM (SELECT *,CASE WHEN n>36 THEN 0 \
         WHEN n>18 THEN (h+p/2)/p WHEN n=18 THEN h+(l>=500000000000000000) WHEN n>=0 THEN h*p+(l+w/2)/w ELSE l*w END AS v \
         FROM (SELECT *,a1*b1+c/{HALF} AS h,c%{HALF}*{HALF}+a0*b0%{HALF} AS l,{p} AS p,{w} AS w \
         FROM (SELECT *,a0*b0/{HALF}+a1*b0+a0*b1 AS c \
         FROM (SELECT *,ad/{HALF} AS a1,ad%{HALF} AS a0,bd/{HALF} AS b1,bd%{HALF} AS b0,{}+{}-2 AS n \
         FROM (SELECT *,{},{} FROM (SELECT {},{} {ONCE}) {ONCE}) {ONCE}) {ONCE}) {ONCE}) {ONCE})) END \
         FROM (SELECT {amount} AS a,{rate} AS b) WHERE a IS NOT NULL AND b IS NOT NULL)",
        decimals("a"),
        decimals("b"),
        digits("a"),
        digits("b"),
        parts("a"),
        parts("b"),
        p = ten_to("n-18"),
        w = ten_to("n"),
    )
}
