# A text to what stands between the quotes of a JSON string. Of control characters only the ends of
# lines are kept: the text is for a model to read.
{
    gsub(/[\001-\037]/, " ")
    gsub(/["\\]/, "\\\\&")
    printf "%s%s", (NR > 1 ? "\\n" : ""), $0
}
