package agent

// The C interface, and the only file that knows it.

/*
#cgo CFLAGS: -I${SRCDIR}/../crates/datadog-agent-native/include
#cgo !pkgconfig LDFLAGS: -ldatadog_agent_native
#cgo pkgconfig pkg-config: datadog-agent-native
#include <stdlib.h>
#include "datadog_agent_native.h"
*/
import "C"

import (
	"runtime"
	"unsafe"
)
