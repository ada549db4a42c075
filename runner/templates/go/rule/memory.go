package rule

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Go's garbage collector reads the clock, and starts by itself wherever memory is allocated: also while the runner is
// handing over an argument or a result. No call may leave the component at that moment, and the instance would die with
// "cannot leave component instance" (https://github.com/bytecodealliance/wasmtime/issues/14318). So the collector never
// starts by itself, and each export begins with collect.
func init() {
	debug.SetGCPercent(-1)
}

// garbageMax is the size of the heap, in bytes, above which it is worth the time to collect.
const garbageMax = 16 << 20

var heap = []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}

func collect() {
	metrics.Read(heap)
	if heap[0].Value.Uint64() > garbageMax {
		runtime.GC()
	}
}
