package manifest

// earlier are the objects of an earlier version of a stream, from the place on to which the
// present one has been read. Most documents are the same on both sides of an upgrade, in the
// same order.
type earlier struct{ rest []*Object }

// ahead is how many objects of the earlier version are looked at for a document, so that
// a few that are gone do not matter.
const ahead = 8

// next returns the object with the text of the next document, if its head was scanned; nil if
// it is not among those that come next.
func (e *earlier) next(text string) *Object {
	for i, o := range e.rest[:min(ahead, len(e.rest))] {
		if o.scanned && o.text == text {
			e.rest = e.rest[i+1:]
			return o
		}
	}
	return nil
}

// pass takes note of a document that the earlier version has not, or has otherwise.
func (e *earlier) pass(ref Ref) {
	if len(e.rest) > 0 && e.rest[0].Ref == ref {
		e.rest = e.rest[1:]
	}
}
