package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
)

// decodeLenient is the slow second try of Decode. v may hold parts of the first.
func decodeLenient(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var document any
	if err := dec.Decode(&document); err != nil {
		return readable(data, err)
	}
	target := reflect.ValueOf(v).Elem()
	target.SetZero()
	return assign(target, document, "")
}

func assign(target reflect.Value, value any, at string) error {
	if value == nil {
		target.SetZero()
		return nil
	}
	if u, ok := target.Addr().Interface().(json.Unmarshaler); ok {
		raw, err := json.Marshal(value)
		if err != nil {
			return err
		}
		return u.UnmarshalJSON(raw)
	}
	switch target.Kind() {
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		return assign(target.Elem(), value, at)
	case reflect.Struct:
		return assignStruct(target, value, at)
	case reflect.Slice:
		return assignSlice(target, value, at)
	case reflect.Map:
		return assignMap(target, value, at)
	case reflect.Interface:
		target.Set(reflect.ValueOf(plainNumbers(value)))
		return nil
	default:
		return assignScalar(target, value, at)
	}
}

func assignStruct(target reflect.Value, value any, at string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return mismatch(at, "an object", value)
	}
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		if v, ok := lookUp(object, name); ok {
			if err := assign(target.Field(i), v, at+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func lookUp(object map[string]any, name string) (any, bool) {
	if v, ok := object[name]; ok {
		return v, true
	}
	found := ""
	for key := range object { // the order of an object is lost here: any that is the same every time
		if strings.EqualFold(key, name) {
			found = max(found, key)
		}
	}
	v, ok := object[found]
	return v, ok && found != ""
}

func assignSlice(target reflect.Value, value any, at string) error {
	list, ok := value.([]any)
	if text, one := value.(string); one && target.Type().Elem().Kind() == reflect.String {
		list, ok = []any{text}, true // one tag where a list of tags is expected
	}
	if !ok {
		return mismatch(at, "a list", value)
	}
	slice := reflect.MakeSlice(target.Type(), len(list), len(list))
	for i, v := range list {
		if err := assign(slice.Index(i), v, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	target.Set(slice)
	return nil
}

func assignMap(target reflect.Value, value any, at string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return mismatch(at, "an object", value)
	}
	m := reflect.MakeMapWithSize(target.Type(), len(object))
	for key, v := range object {
		element := reflect.New(target.Type().Elem()).Elem()
		if err := assign(element, v, at+"."+key); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key), element)
	}
	target.Set(m)
	return nil
}

func assignScalar(target reflect.Value, value any, at string) error {
	text := scalarText(value)
	switch target.Kind() {
	case reflect.String:
		target.SetString(text)
		return nil
	case reflect.Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			target.SetBool(b)
			return nil
		}
		return mismatch(at, "true or false", value)
	case reflect.Float64:
		if f, err := strconv.ParseFloat(text, 64); err == nil && f-f == 0 {
			target.SetFloat(f)
			return nil
		}
		return mismatch(at, "a number", value)
	default:
		if n, ok := wholeNumber(text); ok && target.CanInt() && !target.OverflowInt(n) {
			target.SetInt(n)
			return nil
		}
		return mismatch(at, "a whole number", value)
	}
}

// scalarText is a value as text; what is no scalar stays JSON.
func scalarText(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	raw, _ := json.Marshal(value)
	return string(raw)
}

// wholeNumber reads 7, 7.0, 7e0 and their quoted forms, exactly.
func wholeNumber(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	if len(text) > 32 { // 1e999999999 would be a very long number
		return 0, false
	}
	f, _, err := big.ParseFloat(text, 10, 128, big.ToNearestEven)
	if err != nil || f.IsInf() {
		return 0, false
	}
	n, accuracy := f.Int64()
	return n, accuracy == big.Exact
}

// plainNumbers turns json.Number into float64, as encoding/json would have.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String() // too large for a number
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = plainNumbers(v[key])
		}
	}
	return value
}

func mismatch(at, want string, value any) error {
	text := scalarText(value)
	if len(text) > 40 { // its beginning alone could be that of a secret, and not be known for one
		text = fmt.Sprintf("something of %d bytes", len(text))
	}
	what := "answer"
	if at != "" {
		what += "'s " + strings.TrimPrefix(at, ".")
	}
	return fmt.Errorf("the %s should be %s, but is %s", what, want, text)
}
