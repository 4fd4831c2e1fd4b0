/* SPDX-License-Identifier: Apache-2.0 */
/* Periods, parties and budgets of the mock company. Names are invented; any likeness is
 * chance. */
#include "mocks/netsuite/company.h"

#include <stdio.h>

#include "mocks/netsuite/company_private.h"
#include "mocks/netsuite/dates.h"

static const char *const customer_names[CUSTOMERS] = {"Hansen A/S",
                                                      "Sørensen & Ærø ApS",
                                                      "Ødegård Møbler A/S",
                                                      "Blåbjerg Energi A/S",
                                                      "Kjærgaard Fisk ApS",
                                                      "Müller Maschinenbau GmbH",
                                                      "Größe & Söhne KG",
                                                      "Straßenbau Weiß AG",
                                                      "Bäckerei Schröder e.K.",
                                                      "Jürgen's Fahrräder GmbH",
                                                      "東京商事株式会社",
                                                      "北海道水産株式会社",
                                                      "さくら電機",
                                                      "Yamada 製作所",
                                                      "株式会社ミドリ",
                                                      "O'Brien & Sons Ltd",
                                                      "D'Arcy \"The Forge\" Works",
                                                      "Café Noir SARL",
                                                      "L'Étoile du Nord SA",
                                                      "Ñandú Textiles S.L.",
                                                      "Łódź Logistyka Sp. z o.o.",
                                                      "Dvořák Hodiny s.r.o.",
                                                      "Čapek Roboti a.s.",
                                                      "Αθήνα Ναυτιλιακή ΑΕ",
                                                      "Рога и Копыта",
                                                      "Rocket 🚀 Supplies Inc",
                                                      "Green 🌱 Fields LLC",
                                                      "100% Cotton Co",
                                                      "Under_Score Media",
                                                      "Backslash \\ Partners",
                                                      "Smith, Jones; & Co",
                                                      "<Angle> Brackets Ltd",
                                                      "Tab Tools & Dies",
                                                      "Null Island Trading",
                                                      "Select Foods Group",
                                                      "Drop Shipping ApS",
                                                      "Nordic Wind Power A/S",
                                                      "Rhein Chemie GmbH",
                                                      "Alpen Käse AG",
                                                      "Harbour View Hotels",
                                                      "Blue Harbor Freight",
                                                      "Prairie Grain Co",
                                                      "Silicon Bay Systems",
                                                      "Old Mill Brewery",
                                                      "Zephyr Airlines",
                                                      NULL,
                                                      NULL,
                                                      NULL,
                                                      NULL,
                                                      NULL};

/* The last five customers are persons. */
static const char *const person_names[][2] = {{"Åse", "Lindqvist"},
                                              {"Seán", "Ó Murchú"},
                                              {"花子", "鈴木"},
                                              {"Zoë", "van der Meer"},
                                              {"José", "Núñez"}};

static const char *const vendor_names[VENDORS] = {"Papierfabrik Böhm GmbH",
                                                  "Københavns Kontorforsyning",
                                                  "関東オフィス株式会社",
                                                  "Office & More Ltd",
                                                  "Cloud Nine Hosting",
                                                  "Stadtwerke Süd",
                                                  "Dansk Telefon A/S",
                                                  "Law Partners O'Neil",
                                                  "Reisebüro Fernweh",
                                                  "Print \"n\" Post",
                                                  "Vestjysk Transport",
                                                  "Kurier Express 24",
                                                  "Steuerberatung Lang",
                                                  "Nippon Insatsu 日本印刷",
                                                  "Ad Astra Media",
                                                  "Security First Ltd",
                                                  "Clean ✨ Rooms ApS",
                                                  "Metallbau Krüger",
                                                  "Elektro Øst A/S",
                                                  "Software Source Inc",
                                                  "Blumen Grün",
                                                  "Catering Smørrebrød",
                                                  "Möbel Höfner",
                                                  "Data Centre North",
                                                  "Insurance Mutual"};

static const char *const employee_names[EMPLOYEES][3] = {
    {"Anna", "Berg", "Controller"},
    {"Bjørn", "Dahl", "Accountant"},
    {"Clara", "Engel", "Accountant"},
    {"Dieter", "Fuchs", "Buyer"},
    {"Emi", "Goto", "Accountant"},
    {"Freja", "Holm", "Sales Representative"},
    {"Gustav", "Iversen", "Sales Representative"},
    {"Hiro", "Kato", "Branch Manager"},
    {"Ida", "Lund", "CFO"},
    {"Jonas", "Meier", "Buyer"}};

/* ---- periods: three fiscal years that are calendar years, the last one holds today
 * ---- */

struct period {
    int64_t id, parent, start, end;
    const char *name;
    bool year, quarter, closed;
};

static void write_period(struct writer *writer, const struct period *period)
{
    struct row row = row_begin(writer, "accountingperiod");
    row_int(&row, "id", period->id);
    row_text(&row, "periodname", period->name);
    row_date(&row, "startdate", period->start);
    row_date(&row, "enddate", period->end);
    row_bool(&row, "closed", period->closed);
    if (period->closed) {
        row_date(&row, "closedondate", period->end + 20);
    }
    row_bool(&row, "alllocked", period->closed);
    row_bool(&row, "aplocked", period->closed);
    row_bool(&row, "arlocked", period->closed);
    row_bool(&row, "isadjust", false);
    row_bool(&row, "isquarter", period->quarter);
    row_bool(&row, "isyear", period->year);
    row_bool(&row, "isposting", !period->quarter && !period->year);
    if (period->parent > 0) {
        row_int(&row, "parent", period->parent);
    }
    row_end(&row);
}

static int64_t month_day(int year, int month)
{
    return dates_day((struct civil){year + (month - 1) / 12, (month - 1) % 12 + 1, 1});
}

static void write_months(struct company *company, int year, int quarter, int64_t *id,
                         int64_t closed_before)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t parent = *id - 1;
    int first_year = dates_civil(company->today).year - 2;
    for (int month = quarter * 3 + 1; month <= quarter * 3 + 3; month++) {
        char name[32];
        snprintf(name, sizeof name, "%s %d", names[month - 1], year);
        struct period period = {.id = (*id)++,
                                .parent = parent,
                                .start = month_day(year, month),
                                .end = month_day(year, month + 1) - 1,
                                .name = name};
        period.closed = period.end < closed_before;
        int index = (year - first_year) * 12 + month - 1;
        company->month_start[index] = period.start;
        company->month_period[index] = period.id;
        write_period(company->writer, &period);
    }
}

static void write_periods(struct company *company)
{
    int this_year = dates_civil(company->today).year;
    int64_t closed_before = company->today - 75;
    int64_t id = 1;
    for (int year = this_year - 2; year <= this_year; year++) {
        char name[32];
        snprintf(name, sizeof name, "FY %d", year);
        int64_t year_id = id++;
        struct period whole = {.id = year_id,
                               .start = month_day(year, 1),
                               .end = month_day(year, 13) - 1,
                               .name = name,
                               .year = true};
        whole.closed = whole.end < closed_before;
        write_period(company->writer, &whole);
        for (int quarter = 0; quarter < 4; quarter++) {
            snprintf(name, sizeof name, "Q%d %d", quarter + 1, year);
            struct period part = {.id = id++,
                                  .parent = year_id,
                                  .start = month_day(year, quarter * 3 + 1),
                                  .end = month_day(year, quarter * 3 + 4) - 1,
                                  .name = name,
                                  .quarter = true};
            part.closed = part.end < closed_before;
            write_period(company->writer, &part);
            write_months(company, year, quarter, &id, closed_before);
        }
    }
}

static void write_rates(struct company *company)
{
    for (int month = 0; month < MONTHS; month++) {
        for (int from = 1; from <= SUBSIDIARIES; from++) {
            int64_t base =
                company_currencies[company_home_currency[from - 1] - 1].millionths;
            int64_t drift =
                from == 1 ? 0 : prng_between(&company->prng, -base / 80, base / 80);
            struct row row = row_begin(company->writer, "consolidatedexchangerate");
            row_int(&row, "fromsubsidiary", from);
            row_int(&row, "tosubsidiary", 1);
            row_int(&row, "postingperiod", company->month_period[month]);
            row_int(&row, "accountingbook", 1);
            row_decimal(&row, "averagerate", base + drift, 6);
            row_decimal(&row, "currentrate", base + drift / 2, 6);
            row_decimal(&row, "historicalrate", base, 6);
            row_end(&row);
        }
    }
}

/* ---- parties ---- */

static void write_entity(struct writer *writer, int64_t id, const char *name,
                         const char *type, const char *column)
{
    struct row row = row_begin(writer, "entity");
    row_int(&row, "id", id);
    row_text(&row, "entityid", name);
    row_text(&row, "type", type);
    row_int(&row, column, id);
    row_end(&row);
}

/* Where a party belongs is no column of NetSuite's query tables; the record service
 * shows it. */
static void write_home(struct writer *writer, const struct party *party)
{
    char id[24];
    char home[24];
    snprintf(id, sizeof id, "%lld", (long long)party->id);
    snprintf(home, sizeof home, "%d", party->subsidiary);
    struct row row = row_begin(writer, "mock code");
    row_text(&row, "scheme", "entity subsidiary");
    row_text(&row, "id", id);
    row_text(&row, "name", home);
    row_end(&row);
}

static struct party make_party(struct company *company, int64_t id)
{
    struct party party = {.id = id};
    party.subsidiary = (int)prng_between(&company->prng, 1, SUBSIDIARIES);
    party.term = (int)prng_between(&company->prng, 1, 4);
    party.currency = prng_percent(&company->prng, 65)
                         ? company_home_currency[party.subsidiary - 1]
                         : (int)prng_between(&company->prng, 1, CURRENCIES);
    write_home(company->writer, &party);
    return party;
}

static void write_contact(struct company *company, struct row *row, const char *word,
                          int64_t id)
{
    char email[80];
    char phone[40];
    snprintf(email, sizeof email, "%s%lld@example.com", word, (long long)id);
    snprintf(phone, sizeof phone, "+49 40 %lld",
             (long long)prng_between(&company->prng, 1000000, 9999999));
    row_text(row, "email", email);
    row_text(row, "phone", prng_percent(&company->prng, 85) ? phone : NULL);
}

static void write_customer(struct company *company, int index)
{
    struct party *party = &company->customers[index];
    *party = make_party(company, FIRST_CUSTOMER + index);
    bool person = customer_names[index] == NULL;
    char name[120];
    const char *const *parts = person_names[person ? index - (CUSTOMERS - 5) : 0];
    snprintf(name, sizeof name, "%s %s", parts[0], parts[1]);
    const char *shown = person ? name : customer_names[index];
    write_entity(company->writer, party->id, shown, "CustJob", "customer");
    struct row row = row_begin(company->writer, "customer");
    row_int(&row, "id", party->id);
    row_text(&row, "entityid", shown);
    row_text(&row, "altname", shown);
    row_text(&row, "companyname", customer_names[index]);
    row_text(&row, "firstname", person ? parts[0] : NULL);
    row_text(&row, "lastname", person ? parts[1] : NULL);
    row_bool(&row, "isperson", person);
    write_contact(company, &row, "customer", party->id);
    row_int(&row, "currency", party->currency);
    row_int(&row, "terms", party->term);
    row_int(&row, "receivablesaccount", ACCOUNT_RECEIVABLE);
    char external[40];
    snprintf(external, sizeof external, "crm-%d", 5000 + index);
    row_text(&row, "externalid", index % 3 == 0 ? external : NULL);
    row_bool(&row, "isinactive", index % 17 == 16);
    row_end(&row);
}

static void write_vendor(struct company *company, int index)
{
    const struct party *party = &company->vendors[index];
    write_entity(company->writer, party->id, vendor_names[index], "Vendor", "vendor");
    struct row row = row_begin(company->writer, "vendor");
    row_int(&row, "id", party->id);
    row_text(&row, "entityid", vendor_names[index]);
    row_text(&row, "companyname", vendor_names[index]);
    row_text(&row, "legalname", index % 2 == 0 ? vendor_names[index] : NULL);
    write_contact(company, &row, "vendor", party->id);
    row_int(&row, "currency", party->currency);
    row_int(&row, "terms", party->term);
    row_decimal(&row, "balance", party->open_minor,
                company_currencies[party->currency - 1].decimals);
    int home = company_home_currency[party->subsidiary - 1];
    row_decimal(&row, "balanceprimary", party->open_base_minor,
                company_currencies[home - 1].decimals);
    row_decimal(&row, "unbilledorders", 0, 2);
    row_int(&row, "expenseaccount", ACCOUNT_EXPENSE + index % 7);
    row_int(&row, "payablesaccount", ACCOUNT_PAYABLE);
    row_bool(&row, "isperson", false);
    row_bool(&row, "isinactive", index == VENDORS - 1);
    row_time(&row, "lastmodifieddate", company->today - 200 + index,
             36000 + index * 61);
    row_end(&row);
}

static void write_employee(struct company *company, int index)
{
    int64_t id = FIRST_EMPLOYEE + index;
    char name[120];
    char email[120];
    snprintf(name, sizeof name, "%s %s", employee_names[index][0],
             employee_names[index][1]);
    snprintf(email, sizeof email, "employee%lld@example.com", (long long)id);
    write_entity(company->writer, id, name, "Employee", "employee");
    struct row row = row_begin(company->writer, "employee");
    row_int(&row, "id", id);
    row_text(&row, "entityid", name);
    row_text(&row, "firstname", employee_names[index][0]);
    row_text(&row, "lastname", employee_names[index][1]);
    row_text(&row, "email", email);
    row_text(&row, "title", employee_names[index][2]);
    row_int(&row, "department", index % 4 + 1);
    row_int(&row, "subsidiary", index % 3 + 1);
    row_int(&row, "supervisor", FIRST_EMPLOYEE + 8);
    row_bool(&row, "isinactive", false);
    row_end(&row);
}

static void write_parties(struct company *company)
{
    for (int i = 0; i < CUSTOMERS; i++) {
        write_customer(company, i);
    }
    for (int i = 0; i < VENDORS; i++) {
        company->vendors[i] = make_party(company, FIRST_VENDOR + i);
    }
    for (int i = 0; i < EMPLOYEES; i++) {
        write_employee(company, i);
    }
}

/* Yearly budgets of the expense accounts, month by month. */
static void write_budgets(struct company *company)
{
    int64_t year_period = company->month_period[24] - 2;
    for (int i = 0; i < 7; i++) {
        int64_t month_minor = prng_between(&company->prng, 20, 90) * 10000;
        struct row row = row_begin(company->writer, "budgets");
        row_int(&row, "id", i + 1);
        row_int(&row, "account", ACCOUNT_EXPENSE + i);
        row_int(&row, "subsidiary", 1);
        row_int(&row, "department", i % 4 + 1);
        row_int(&row, "category", 1);
        row_int(&row, "year", year_period);
        row_decimal(&row, "total", month_minor * 12, 2);
        row_end(&row);
        for (int month = 24; month < MONTHS; month++) {
            struct row part = row_begin(company->writer, "budgetsmachine");
            row_int(&part, "budget", i + 1);
            row_int(&part, "period", company->month_period[month]);
            row_decimal(&part, "amount", month_minor, 2);
            row_end(&part);
        }
    }
}

void company_write(struct writer *writer, int64_t today, uint64_t seed)
{
    struct company company = {
        .writer = writer, .today = today, .next_id = 1001, .next_key = 1};
    company.prng.state = seed;
    company_write_lists(writer);
    write_periods(&company);
    write_rates(&company);
    write_parties(&company);
    write_budgets(&company);
    company_write_documents(&company);
    for (int i = 0; i < VENDORS; i++) {
        write_vendor(&company, i); /* last: the open bills are its balance */
    }
}
