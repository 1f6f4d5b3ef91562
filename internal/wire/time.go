package wire

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Time is a moment as the API writes it: ISO text, with or without a zone
// (then UTC), or Unix seconds as number or text. What cannot be read is the
// zero time: no answer is worth losing over a date.
type Time struct{ time.Time }

// UnixTime is a moment that is written as Unix seconds.
type UnixTime struct{ time.Time }

var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02",
}

// UnmarshalJSON never fails.
func (t *Time) UnmarshalJSON(data []byte) error {
	t.Time = parseTime(string(bytes.Trim(data, `"`)))
	return nil
}

// MarshalJSON writes RFC 3339 in UTC.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat([]byte{'"'}, time.RFC3339Nano+`"`), nil
}

// UnmarshalJSON never fails.
func (t *UnixTime) UnmarshalJSON(data []byte) error {
	return (*Time)(t).UnmarshalJSON(data)
}

// MarshalJSON writes seconds with their fraction, to the microsecond: more does not fit a float.
func (t UnixTime) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMicro())/1e6, 'f', -1, 64), nil
}

func parseTime(text string) time.Time {
	text = strings.TrimSpace(text)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	const lastSecond = 253402300799 // of the year 9999
	if s, err := strconv.ParseFloat(text, 64); err == nil && s > 0 && s <= lastSecond {
		whole := int64(s)
		return time.Unix(whole, int64((s-float64(whole))*1e9)).UTC()
	}
	return time.Time{}
}
