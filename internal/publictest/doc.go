// Package publictest holds no code, only tests: of what the modules client and
// webhook promise and cannot test themselves, because they require no other
// module and have to work with older versions of Go.
package publictest
