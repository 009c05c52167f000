package sandbox

// Layer is one isolation layer and whether it holds here.
type Layer struct {
	Name   string     `json:"layer"`
	State  LayerState `json:"state"`
	Detail string     `json:"detail"`
}

// LayerState is one of LayerActive, LayerAbsent and LayerFailed.
type LayerState string

const (
	LayerActive LayerState = "active" // in force for every run
	LayerAbsent LayerState = "absent" // this kernel or container does not give it
	LayerFailed LayerState = "failed" // given, but applying it failed
)
