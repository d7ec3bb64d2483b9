package sarif

import "time"

// schemaURI is the address of the JSON schema.
const schemaURI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type log struct {
	Schema  string `json:"$schema"`
	Version string `json:"version"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool                     tool                        `json:"tool"`
	Invocations              []invocation                `json:"invocations"`
	OriginalURIBaseIDs       map[string]artifactLocation `json:"originalUriBaseIds,omitempty"`
	VersionControlProvenance []versionControl            `json:"versionControlProvenance,omitempty"`
	ColumnKind               string                      `json:"columnKind"`
	Results                  []result                    `json:"results"`
	Properties               target                      `json:"properties"`
}

// target describes what was scanned.
type target struct {
	Name        string    `json:"target"`
	Kind        string    `json:"kind,omitempty"`
	ID          string    `json:"imageID,omitempty"`
	Digest      string    `json:"imageDigest,omitempty"`
	RepoTags    []string  `json:"repoTags,omitempty"`
	RepoDigests []string  `json:"repoDigests,omitempty"`
	Platform    string    `json:"platform,omitempty"`
	Database    time.Time `json:"databaseBuilt,omitzero"`
	AsOf        time.Time `json:"asOf,omitzero"`
	LeftOut     int       `json:"leftOut,omitempty"`
}

type tool struct {
	Driver driver `json:"driver"`
}

type driver struct {
	Name           string `json:"name"`
	Version        string `json:"version,omitempty"`
	Semantic       string `json:"semanticVersion,omitempty"`
	InformationURI string `json:"informationUri"`
	Rules          []rule `json:"rules"`
}

type text struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type rule struct {
	ID               string         `json:"id"`
	Name             string         `json:"name"`
	ShortDescription text           `json:"shortDescription"`
	FullDescription  text           `json:"fullDescription"`
	Default          configuration  `json:"defaultConfiguration"`
	HelpURI          string         `json:"helpUri,omitempty"`
	Help             text           `json:"help"`
	Properties       ruleProperties `json:"properties"`
}

type configuration struct {
	Level string `json:"level"`
}

type ruleProperties struct {
	Precision string   `json:"precision"`
	Severity  string   `json:"security-severity,omitempty"` // a number, by which GitHub ranks
	Tags      []string `json:"tags"`
}

type result struct {
	RuleID              string            `json:"ruleId"`
	RuleIndex           int               `json:"ruleIndex"`
	Level               string            `json:"level"`
	Rank                float64           `json:"rank"`
	Message             text              `json:"message"`
	Locations           []location        `json:"locations"`
	PartialFingerprints map[string]string `json:"partialFingerprints"`
	Suppressions        []suppression     `json:"suppressions,omitzero"`
	Properties          resultProperties  `json:"properties"`
}

type resultProperties struct {
	Package  string   `json:"package"`
	Type     string   `json:"type,omitempty"`
	PURL     string   `json:"purl,omitempty"`
	Version  string   `json:"installedVersion"`
	FixedIn  string   `json:"fixedVersion,omitempty"`
	Severity string   `json:"severity"`
	Status   string   `json:"status"`
	Aliases  []string `json:"aliases,omitempty"`
	Layer    string   `json:"layerDiffID,omitempty"`
}

type suppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification,omitempty"`
}

type location struct {
	Physical physicalLocation  `json:"physicalLocation"`
	Logical  []logicalLocation `json:"logicalLocations,omitempty"`
	Message  text              `json:"message,omitzero"`
}

type physicalLocation struct {
	Artifact artifactLocation `json:"artifactLocation"`
	Region   region           `json:"region"`
}

type artifactLocation struct {
	URI         string `json:"uri,omitempty"`
	URIBaseID   string `json:"uriBaseId,omitempty"`
	Description text   `json:"description,omitzero"`
}

type region struct {
	StartLine int `json:"startLine"`
}

type logicalLocation struct {
	Name          string `json:"name"`
	QualifiedName string `json:"fullyQualifiedName"`
	Kind          string `json:"kind"`
}

type invocation struct {
	Successful    bool           `json:"executionSuccessful"`
	EndTime       string         `json:"endTimeUtc,omitempty"`
	Notifications []notification `json:"toolExecutionNotifications,omitempty"`
}

type notification struct {
	Level   string `json:"level"`
	Message text   `json:"message"`
}

type versionControl struct {
	RepositoryURI string `json:"repositoryUri"`
	RevisionID    string `json:"revisionId,omitempty"`
	Branch        string `json:"branch,omitempty"`
}
