# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints a thousand SQL statements, the same each time: tables, indices, views, triggers, common
# table expressions, window functions, savepoints, mistakes.
function random(below)
{
	seed = (seed * 1103515245 + 12345) % 2147483648
	return int(seed / 65536) % below
}

function fill(n)
{
	printf "INSERT INTO item(name, price, kind) SELECT 'item-' || value || '-%d', " \
		"(value * %d) %% 1009, value %% %d FROM generate_series(1, %d);\n", n, 7 + n, 3 + n % 11, 40
}

function statement(n,  what)
{
	what = n % 12
	if (what == 0)
		fill(n)
	else if (what == 1)
		printf "UPDATE item SET price = price + %d WHERE id %% %d = %d;\n", random(9), 17 + n % 5, random(17)
	else if (what == 2)
		printf "SELECT kind, count(*), sum(price), min(name) FROM item GROUP BY kind HAVING sum(price) > %d ORDER BY 3 DESC LIMIT 3;\n", random(500)
	else if (what == 3)
		printf "SELECT a.name, b.name FROM item a JOIN item b ON a.price = b.price AND a.id < b.id WHERE a.kind = %d ORDER BY 1, 2 LIMIT 2;\n", random(6)
	else if (what == 4)
		printf "DELETE FROM item WHERE price = %d;\n", random(1009)
	else if (what == 5)
		printf "WITH RECURSIVE f(n, a, b) AS (SELECT 1, 0, 1 UNION ALL SELECT n + 1, b, a + b FROM f WHERE n < %d) SELECT max(b) FROM f;\n", 20 + random(30)
	else if (what == 6)
		printf "SELECT id, price, sum(price) OVER (PARTITION BY kind ORDER BY id ROWS 3 PRECEDING), rank() OVER (ORDER BY price) FROM item WHERE id < %d ORDER BY id LIMIT 3;\n", 60 + random(60)
	else if (what == 7)
		printf "SAVEPOINT s%d; INSERT INTO item(name, price, kind) VALUES('gone', 1, 1); ROLLBACK TO s%d; RELEASE s%d;\n", n, n, n
	else if (what == 8)
		printf "SELECT total(price), count(DISTINCT kind) FROM cheap WHERE name LIKE '%%%d%%';\n", random(100)
	else if (what == 9)
		printf "INSERT INTO item(id, name) VALUES(%d, NULL);\n", n
	else if (what == 10)
		printf "SELECT json_extract(json_group_array(json_object('n', name, 'p', price)), '$[%d].p') FROM item WHERE kind = %d;\n", random(5), random(8)
	else
		printf "SELECT group_concat(upper(substr(name, 1, %d)), ';') FROM (SELECT name FROM item WHERE price BETWEEN %d AND %d ORDER BY name LIMIT 5);\n", 3 + random(5), random(400), 500 + random(400)
}

BEGIN {
	seed = 7
	print "PRAGMA synchronous=OFF;"
	print "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price INTEGER, kind INTEGER);"
	print "CREATE TABLE log(what TEXT, id INTEGER);"
	print "CREATE VIEW cheap AS SELECT * FROM item WHERE price < 300;"
	print "CREATE TRIGGER noted AFTER DELETE ON item BEGIN INSERT INTO log VALUES('deleted', old.id); END;"
	for (n = 0; n < 990; n++) {
		if (n == 300)
			print "CREATE INDEX item_price ON item(price, kind);"
		statement(n)
	}
	print "SELECT what, count(*), sum(id) FROM log GROUP BY what;"
	print "REINDEX;"
	print "VACUUM;"
	print "PRAGMA integrity_check;"
}
