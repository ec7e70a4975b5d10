package engine

// usedIndexes are the only ones of Temporal's indexes on workflows (73 on Postgres, 57
// on SQLite) that stay, besides the ones without which no list works. Every workflow is
// written twice or more, and each write goes into every index, also for attributes that
// are never set. The columns of the other indexes can still be searched, only slowly.
// These serve the lists and relationships of the Web UI, and the keyword attributes.
var usedIndexes = []string{
	"by_execution_time", "by_workflow_id", "by_workflow_type", "by_status", "by_parent_workflow_id", "by_root_workflow_id",
	"by_keyword_01", "by_keyword_02", "by_keyword_03", "by_keyword_04", "by_keyword_05",
}
