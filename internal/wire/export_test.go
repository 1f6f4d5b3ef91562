package wire

// DecodeLenient is the second try of Decode, alone.
var DecodeLenient = decodeLenient
