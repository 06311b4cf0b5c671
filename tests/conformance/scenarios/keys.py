"""Keys of all kinds.

In: nothing. Out: scenarios. No effects.
"""

from tests.conformance.scenarios.common import C, goes_all_the_way

KEYS = (
    goes_all_the_way("with a blank", "orders/with space"),
    goes_all_the_way("with plus signs", "orders/1+1=2"),
    goes_all_the_way("with a percent sign", "orders/100%25.csv"),
    goes_all_the_way("of other alphabets", "orders/café/€/\N{ROCKET}"),
    goes_all_the_way("with what XML escapes", "orders/a&b<c>\"d'"),
    goes_all_the_way("that looks like a query", "orders/?versionId=x#y"),
    goes_all_the_way("of all that ASCII prints", "orders/~!*()$@,;:[]{}|\\^`", C.ODD_CHARACTERS),
    goes_all_the_way("with a line end", "orders/two\nlines", C.LINE_ENDS, C.CONDITIONAL_DELETE),
    goes_all_the_way("with a control character", "orders/\x01bell\x07", C.CONTROL_CHARACTERS, C.CONDITIONAL_DELETE),
    goes_all_the_way("with empty names", "orders//double//name", C.EMPTY_NAMES),
    goes_all_the_way("that ends with a slash", "orders/sub/", C.TRAILING_SLASH),
    goes_all_the_way("of dots", "orders/./dots/..name", C.DOTS),
    goes_all_the_way("of 1,017 bytes", "orders/" + "long" * 252 + "ab", C.LONG_KEYS),
)
