package receivers

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const charsetNames = "utf-8, us-ascii, iso-8859-1, windows-1252, utf-16"

// toUTF8 converts a text from its charset, "" being UTF-8. A byte order mark
// overrides the name, and does not belong to the text (RFC 8259, section 8.1;
// Encoding Standard, section 6). toUTF8 returns the text itself, not a copy,
// where there is nothing to change, and [ErrNotText] for a text of which it
// would have to guess or leave out a part.
func toUTF8(text []byte, charset string) ([]byte, error) {
	if rest, marked := cutMark(text); marked != "" {
		text, charset = rest, marked
	}
	return convert(text, charset)
}

// convert is toUTF8 without regard to marks.
func convert(text []byte, charset string) ([]byte, error) {
	if charset == "" {
		charset = "utf-8"
	}
	read := charsets[strings.ToLower(charset)]
	if read == nil {
		return nil, fmt.Errorf("%w: charset %.32q is not one of %s", ErrNotText, charset, charsetNames)
	}
	converted, ok := read(text)
	if !ok {
		return nil, fmt.Errorf("%w: it is not %.32s", ErrNotText, strings.ToLower(charset))
	}
	return converted, nil
}

// marks lists the byte order marks. The marks of UTF-32, which is not accepted,
// come before the mark of UTF-16, because one of them begins with it.
var marks = []struct {
	mark    string
	charset string
}{
	{"\xef\xbb\xbf", "utf-8"},
	{"\xff\xfe\x00\x00", "utf-32"},
	{"\x00\x00\xfe\xff", "utf-32"},
	{"\xff\xfe", "utf-16le"},
	{"\xfe\xff", "utf-16be"},
}

// cutMark cuts off the byte order mark and returns its charset; "" for none.
func cutMark(text []byte) (rest []byte, charset string) {
	for _, m := range marks {
		if rest, ok := bytes.CutPrefix(text, []byte(m.mark)); ok {
			return rest, m.charset
		}
	}
	return text, ""
}

// charsets holds the charsets that are understood, by the names that senders
// use. Latin-1 is read as Windows-1252: wherever the two differ, senders mean
// Windows-1252 (Encoding Standard, section 4.2).
var charsets = map[string]func([]byte) ([]byte, bool){
	"utf-8": valid, "utf8": valid,
	"us-ascii": ascii, "ascii": ascii,
	"iso-8859-1": windows1252, "iso8859-1": windows1252, "iso_8859-1": windows1252, "latin1": windows1252, "latin-1": windows1252,
	"windows-1252": windows1252, "cp1252": windows1252, "cp-1252": windows1252,
	"utf-16": anyUTF16, "utf16": anyUTF16,
	"utf-16le": func(text []byte) ([]byte, bool) { return fromUTF16(text, binary.LittleEndian) },
	"utf-16be": func(text []byte) ([]byte, bool) { return fromUTF16(text, binary.BigEndian) },
}

func valid(text []byte) ([]byte, bool) { return text, utf8.Valid(text) }

func ascii(text []byte) ([]byte, bool) { return text, isASCII(text) }

func isASCII(text []byte) bool {
	return !slices.ContainsFunc(text, func(b byte) bool { return b >= utf8.RuneSelf })
}

// high holds the characters of Windows-1252 from 0x80 to 0x9f. The five bytes
// that it leaves undefined are the control characters of that number, so that
// every byte has a character of its own.
const high = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"

var highRunes = []rune(high)

func windows1252(text []byte) ([]byte, bool) {
	if isASCII(text) {
		return text, true
	}
	converted := make([]byte, 0, len(text)+len(text)/4)
	for _, b := range text {
		r := rune(b)
		if b >= 0x80 && b < 0xa0 {
			r = highRunes[b-0x80]
		}
		converted = utf8.AppendRune(converted, r)
	}
	return converted, true
}

// anyUTF16 reads UTF-16 without a mark: big-endian (RFC 2781, section 4.3),
// unless the first character is ASCII in little-endian.
func anyUTF16(text []byte) ([]byte, bool) {
	if len(text) >= 2 && text[1] == 0 {
		return fromUTF16(text, binary.LittleEndian)
	}
	return fromUTF16(text, binary.BigEndian)
}

// fromUTF16 converts UTF-16 and refuses half characters.
func fromUTF16(text []byte, order binary.ByteOrder) ([]byte, bool) {
	if len(text)%2 != 0 {
		return nil, false
	}
	converted := make([]byte, 0, len(text)/2+len(text)/8)
	for ; len(text) > 0; text = text[2:] {
		r := rune(order.Uint16(text))
		if utf16.IsSurrogate(r) {
			if len(text) < 4 {
				return nil, false
			}
			text = text[2:]
			if r = utf16.DecodeRune(r, rune(order.Uint16(text))); r == utf8.RuneError {
				return nil, false
			}
		}
		converted = utf8.AppendRune(converted, r)
	}
	return converted, true
}

var declaration = regexp.MustCompile(`^<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// maxDeclaration bounds the bytes that are searched for a declaration of XML.
const maxDeclaration = 256

// xmlCharset returns the charset that XML declares; "" for none and for a text
// that is not XML. A declaration that can be read as ASCII is not in UTF-16,
// even if it says so: .NET writes that into texts that it then sends as UTF-8.
func xmlCharset(text []byte) string {
	found := declaration.FindSubmatch(text[:min(len(text), maxDeclaration)])
	if found == nil || bytes.HasPrefix(bytes.ToLower(found[1]), []byte("utf-16")) {
		return ""
	}
	return string(found[1])
}
