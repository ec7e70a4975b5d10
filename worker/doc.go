// Package worker is the engine room: it builds the Temporal worker that runs the workflows and activities, the
// dispatcher that turns accepted events into workflows, the control that signals them, and the namespace they live in.
//
// cmd imports it. It imports workflows, activities and models, and declares the Store that the dispatcher needs.
package worker
