module github.com/assaysec/assay

go 1.26
