package engine

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// childVariable makes the test binary a program that runs an engine in the folder
// it names, gets a workflow under way, says so, and waits to be killed.
const childVariable = "ENGINE_TEST_CHILD"

const (
	inFlightID = "in-flight"
	underWay   = "under way"
)

func TestKill(t *testing.T) {
	t.Parallel()

	t.Run("a workflow with a timer and a retry in flight survives kill -9", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		require.Equal(t, underWay, runUntilKilled(t, folder))
		killed := time.Now()

		require.NoError(t, os.WriteFile(permission(folder), nil, 0o600))
		c := dial(t, start(t, options(SQLite(folder), &logBook{})))
		work(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		require.NoError(t, c.GetWorkflow(ctx, inFlightID, "").Get(ctx, nil))
		description, err := c.DescribeWorkflowExecution(ctx, inFlightID, "")
		require.NoError(t, err)
		require.Less(t, description.WorkflowExecutionInfo.StartTime.AsTime(), killed, "it is the same run")
	})

	t.Run("a first start that is killed at any moment does not spoil the folder", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		for _, moment := range []time.Duration{50, 100, 150, 200, 300, 500} {
			killAfter(t, folder, moment*time.Millisecond)
		}
		c := dial(t, start(t, options(SQLite(folder), &logBook{})))
		work(t, c)
		runGreet(t, c, "at last")
	})
}

// child is the program of childVariable. It returns an exit code, if it can.
func child(folder string) int {
	if err := runChild(folder); err != nil {
		fmt.Println(err)
		return 1
	}
	select {} // until killed
}

func runChild(folder string) error {
	ctx := context.Background()
	e, err := Start(ctx, options(SQLite(folder), &logBook{}))
	if err != nil {
		return err
	}
	c, err := dialAddress(e.Address())
	if err != nil {
		return err
	}
	if err := newWorker(c).Start(); err != nil {
		return err
	}
	start := client.StartWorkflowOptions{ID: inFlightID, TaskQueue: taskQueue}
	if _, err := c.ExecuteWorkflow(ctx, start, waitAndRetry, permission(folder)); err != nil {
		return err
	}
	if err := awaitRetry(ctx, c); err != nil {
		return err
	}
	fmt.Println(underWay)
	return nil
}

// awaitRetry waits until the activity has failed a few times.
func awaitRetry(ctx context.Context, c client.Client) error {
	for {
		d, err := c.DescribeWorkflowExecution(ctx, inFlightID, "")
		if err != nil {
			return err
		}
		if pending := d.GetPendingActivities(); len(pending) == 1 && pending[0].GetAttempt() > 2 {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// permission is the file that lets the activity succeed.
func permission(folder string) string { return filepath.Join(folder, "permission") }

// runUntilKilled runs the program until it has said something, kills it and
// returns what it said.
func runUntilKilled(t *testing.T, folder string) string {
	t.Helper()
	cmd := childCommand(t, folder)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer kill(cmd)
	watchdog := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "the child ended or hung")
	return strings.TrimSpace(line)
}

// killAfter runs the program for a while.
func killAfter(t *testing.T, folder string, d time.Duration) {
	t.Helper()
	cmd := childCommand(t, folder)
	require.NoError(t, cmd.Start())
	_ = pause(t.Context(), d)
	kill(cmd)
}

func childCommand(t *testing.T, folder string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+folder)
	cmd.Stderr = os.Stderr
	return cmd
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
}
