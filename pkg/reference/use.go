package reference

// Use is what an object is needed for.
type Use string

// The Uses.
const (
	InEnv       Use = "env"        // copied into a container when it starts
	AsFile      Use = "file"       // mounted, and follows within a minute or two
	AsSubPath   Use = "subPath"    // mounted with subPath, and never follows
	AsOneFile   Use = "one file"   // mounted with subPath: without the key it is an empty directory
	ToStart     Use = "start"      // the pod is not made, or does not start, without it
	AsName      Use = "name"       // gives pods their DNS names
	AsBackend   Use = "backend"    // takes the requests
	AsListener  Use = "listener"   // hands the requests to a route
	ForTLS      Use = "tls"        // holds the certificate
	ForAuth     Use = "auth"       // says who may ask
	AsTarget    Use = "target"     // is scaled
	AsRole      Use = "role"       // holds what is allowed
	AsSubject   Use = "subject"    // is allowed something
	ByAPIServer Use = "api server" // is called by the API server
	ForClaims   Use = "claims"     // says how the volume of a new claim is made
	ForToken    Use = "token"      // is whom a token is for
	ToPull      Use = "pull"       // is shown to the registry when an image is pulled
)
