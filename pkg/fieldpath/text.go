package fieldpath

// MarshalText writes the path as String does, for whoever stores it.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText has written. The error is that of Parse.
func (p *Path) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil || len(parsed) == 0 {
		*p = nil
		return err
	}
	*p = parsed
	return nil
}
