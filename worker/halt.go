package worker

import (
	"cmp"
	"fmt"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/posthaste/posthaste/models"
)

// Halt tells who has paused a workflow, or its activity, in Temporal. The zero value: nobody.
type Halt struct {
	is  bool
	why models.Why
}

// words returns the text that the delivery shows; empty for nobody.
func (h Halt) words() string {
	switch {
	case !h.is:
		return ""
	case h.why.Reason == "":
		return "paused in Temporal by " + h.why.By
	default:
		return fmt.Sprintf("paused in Temporal by %s: %s", h.why.By, h.why.Reason)
	}
}

func haltOf(described *workflowservice.DescribeWorkflowExecutionResponse) Halt {
	if info := described.GetWorkflowExtendedInfo().GetPauseInfo(); info != nil {
		return halted(info.GetIdentity(), info.GetReason())
	}
	for _, activity := range described.GetPendingActivities() {
		if activity.GetPaused() {
			return haltedActivity(activity.GetPauseInfo())
		}
	}
	return Halt{}
}

func haltedActivity(info *workflowpb.PendingActivityInfo_PauseInfo) Halt {
	if rule := info.GetRule(); rule != nil {
		return halted(rule.GetIdentity(), cmp.Or(rule.GetReason(), "rule "+rule.GetRuleId()))
	}
	return halted(info.GetManual().GetIdentity(), info.GetManual().GetReason())
}

func halted(by, reason string) Halt {
	return Halt{is: true, why: models.Why{
		By: models.Clip(cmp.Or(by, "somebody"), models.MaxActor), Reason: models.Clip(reason, models.MaxReason),
	}}
}
